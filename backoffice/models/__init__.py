"""The models of the base: who people are and which legal entities there are, who works on which, and who asked for that."""

from backoffice.models.entity import Entity
from backoffice.models.grant import GroupGrant, PersonGrant
from backoffice.models.grant_request import GrantRequest
from backoffice.models.user import User

__all__ = ["Entity", "GrantRequest", "GroupGrant", "PersonGrant", "User"]
