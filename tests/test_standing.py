"""Commands that stand beside the site: a database that is away is waited for, a signal ends them after the round."""

import io
import json
import os
import signal
from typing import Any

import pytest
from django.db import OperationalError

from backoffice.standing import StandingCommand
from tests.scope import call_command


class Rounds(StandingCommand):
    """Fails in its second and third round, and is told to stop in its fifth."""

    waits = "Rounds wait"
    done = 0

    def work(self, options: dict[str, Any]) -> tuple[dict[str, int], str]:
        self.until_stopped(self._round, 0.01)
        return {"rounds": self.done}, f"{self.done} rounds."

    def _round(self) -> None:
        self.done += 1
        if self.done in {2, 3}:
            raise OperationalError("The server is away.")
        if self.done == 5:
            os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize("as_json", [True, False])
def test_rounds_go_on_after_a_failure_and_end_with_a_signal(as_json: bool) -> None:
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    out, said = io.StringIO(), io.StringIO()
    try:
        call_command(Rounds(stdout=out, stderr=said, no_color=True), json=as_json)
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
    lines = said.getvalue().splitlines()
    assert lines[:3] == [
        "Rounds wait, next try in 0 s: The server is away.",
        "Rounds wait, next try in 0 s: The server is away.",
        "The databases are back.",
    ]
    assert (json.loads(out.getvalue()) == {"rounds": 5}) if as_json else lines[3:] == ["5 rounds."]
