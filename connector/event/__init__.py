from .change import Change
from .event import Event
from .record import on_record_change, on_record_create, on_record_unlink, on_record_write

__all__ = ["Change", "Event", "on_record_change", "on_record_create", "on_record_unlink", "on_record_write"]
