"""The models of the base: people, legal entities, who works on which and who asked for that, and how people have lists."""

from backoffice.models.entity import Entity
from backoffice.models.grant import GroupGrant, PersonGrant
from backoffice.models.grant_request import GrantRequest
from backoffice.models.saved_view import ListChoice, SavedView
from backoffice.models.user import User

__all__ = ["Entity", "GrantRequest", "GroupGrant", "ListChoice", "PersonGrant", "SavedView", "User"]
