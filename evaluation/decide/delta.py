"""What a runtime changes for a plain job: an attempt in it, held against the same one on the bare host."""

from __future__ import annotations

from collections.abc import Iterable

from evaluation.model import CONTROL, Delta, Finding, Outcome

__all__ = ["against_host"]


def against_host(finding: Finding, hosts: Iterable[Finding]) -> Delta | None:
    """Say what a runtime adds to, or takes away from, what the bare host allows.

    Parameters
    ----------
    finding : Finding
        An attempt in one runtime.
    hosts : iterable of Finding
        The same attempt on the bare host, once per control arm. What one of them could do, the host could.

    Returns
    -------
    Delta or None
        ``None`` for the bare host itself, and for what is not on the checklist. Only where both sides show
        something (``HOLDS`` or ``FAILS``) is the answer other than ``UNKNOWN``: an attempt that nothing
        could make succeed is not "as on the host".
    """
    if finding.runtime == CONTROL or not finding.texts.checklist_id:
        return None
    shown = {host.outcome for host in hosts} & {Outcome.HOLDS, Outcome.FAILS}
    if not shown or finding.outcome not in {Outcome.HOLDS, Outcome.FAILS}:
        return Delta.UNKNOWN
    host_could = Outcome.FAILS in shown
    if (finding.outcome is Outcome.FAILS) is host_could:
        return Delta.SAME
    return Delta.TAKEN_AWAY if host_could else Delta.ADDED
