"""The models of the base: who people are and which legal entities there are."""

from backoffice.models.entity import Entity
from backoffice.models.user import User

__all__ = ["Entity", "User"]
