from .mapper import Mapper
