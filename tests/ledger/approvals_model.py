"""Requests for approval, added to the model: who asked for what, and what became of it.

Approving posts the request as its maker's at the moment of approval, the threshold left out; what a rule refuses then has
failed. Written from docs/ledger.md, like the model itself.
"""

import copy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from tests.ledger.model import Model, Request

LIFE = timedelta(days=settings.APPROVAL_DAYS)  # of a request


@dataclass
class ModelWithApprovals(Model):
    """All that there is, requests with it. People are called by numbers too."""

    approvals: list[dict[str, Any]] = field(default_factory=list)

    def ask(self, request: Request) -> str:
        """Return the code of asking for approval: "ok", "replayed" or that of the error."""
        plain, approved = (self._would(one) for one in (request, replace(request, approved=True)))
        if plain in {"ok", "replayed"}:
            return "approval_not_required"
        if not plain.startswith("approval_required"):
            return plain
        if approved != "ok":
            return approved
        if not request.comment.strip():
            return "reason_required"
        alike = [one for one in self.approvals if _same(one["request"], request)]
        for one in alike:
            self._expire_request(one)
        waiting = [one["request"] for one in alike if one["state"] == "pending"]
        if waiting:
            repeated = request.key is not None and (waiting[0].by, waiting[0].key) == (request.by, request.key)
            return "replayed" if repeated else "duplicate_request"
        self.approvals.append({"request": request, "state": "pending", "checker": None, "error": ""})
        return "ok"

    def decide(self, verb: str, number: int, by: int, asof: datetime, comment: str) -> str:
        """Approve, reject or cancel; return the state that it leaves, or the code of the error."""
        approval = self.approvals[number]
        request = approval["request"]
        if asof > self.now or asof < request.asof:
            return "invalid_moment"
        self._expire_request(approval)
        if approval["state"] != "pending":
            return "approval_decided"
        if verb == "cancel" and by != request.by:
            return "not_the_maker"
        if verb != "cancel" and by == request.by:
            return "same_approver"
        if verb == "reject" and not comment.strip():
            return "reason_required"
        error = ""
        if verb == "approve":
            error = self._carried_out(replace(request, asof=asof, approved=True))
            verb = "fail" if error else verb
        state = {"approve": "approved", "reject": "rejected", "cancel": "cancelled", "fail": "failed"}[verb]
        self.approvals[number].update(state=state, checker=by, error=error)  # posting has made all objects anew
        return state

    def expire_requests(self) -> int:
        """Mark what nobody decided in time, and say how many that were."""
        return sum(self._expire_request(approval) for approval in self.approvals)

    def _would(self, request: Request) -> str:
        return copy.deepcopy(self).post([request])[0]

    def _carried_out(self, request: Request) -> str:
        """Post what was approved; return the code of what refuses it, or nothing."""
        [code] = self.post([request])
        return {"ok": "", "replayed": "idempotency_conflict"}.get(code, code.partition(":")[0])

    def _expire_request(self, approval: dict[str, Any]) -> bool:
        late = approval["state"] == "pending" and bool(approval["request"].asof + LIFE <= self.now)
        if late:
            approval["state"] = "expired"
        return late


def _same(one: Request, other: Request) -> bool:
    """Say whether two people ask for the same: whoever asks, whenever, under whatever key."""
    return replace(one, asof=other.asof, key=other.key, by=other.by) == other
