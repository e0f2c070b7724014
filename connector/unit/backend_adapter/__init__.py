from . import http
from .crud import BackendAdapter
