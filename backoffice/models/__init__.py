"""The models of the base: who people are and which legal entities there are, and who works on which."""

from backoffice.models.entity import Entity
from backoffice.models.grant import GroupGrant, PersonGrant
from backoffice.models.user import User

__all__ = ["Entity", "GroupGrant", "PersonGrant", "User"]
