"""The answer in plain words, and the order in which runtimes are named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from evaluation.decide.knockouts import Reason
from evaluation.decide.standing import Ranking
from evaluation.model import Score, Standing
from evaluation.units import percent, share

__all__ = ["Account", "sentence"]

_ABSENT = "not installed"
"""How the reason of what is not there begins; the rest names its command."""

_NUMBERS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What was decided about one use case at one site, before it is put into words.

    ``knocked_out``, ``not_measured`` and ``unresolved`` say why, by runtime. ``weights_decide``: the
    first place would be sure, were the declared weights certain.
    """

    title: str
    site: str
    ranking: Ranking
    scores: Mapping[str, Score]
    chances: Mapping[str, float]
    knocked_out: Mapping[str, tuple[Reason, ...]]
    not_measured: Mapping[str, str]
    unresolved: Mapping[str, tuple[str, ...]]
    weights_decide: bool
    host_measured: bool
    waived: Mapping[str, tuple[Reason, ...]] = field(default_factory=dict)
    """What would have knocked a runtime out, had the site not accepted it."""

    def order(self) -> tuple[str, ...]:
        """Every runtime: the field by rank, then the knocked out, then the not measured."""
        absent = sorted(set(self.not_measured) - set(self.knocked_out))
        return (*self.ranking.order, *sorted(self.knocked_out), *absent)

    def standing(self, runtime: str) -> Standing:
        """Return where a runtime stands."""
        if runtime in self.knocked_out:
            return Standing.KNOCKED_OUT
        return self.ranking.standings.get(runtime, Standing.NOT_MEASURED)

    def reasons(self, runtime: str) -> tuple[str, ...]:
        """Say why a runtime stands where it does."""
        absent = (f"not measured: {self.not_measured[runtime]}",) if runtime in self.not_measured else ()
        accepted = tuple(str(reason) for reason in self.waived.get(runtime, ()))
        if runtime in self.knocked_out:
            return (*(str(reason) for reason in self.knocked_out[runtime]), *accepted, *absent)
        if absent:
            return absent
        open_vetoes = tuple(
            f"{name} would knock it out if it failed, and is not known"
            for name in self.unresolved.get(runtime, ())
        )
        return (*self._rank_reasons(runtime), *accepted, *open_vetoes)

    def _rank_reasons(self, runtime: str) -> tuple[str, ...]:
        score, leader = _score(self.scores[runtime]), self.ranking.order[0]
        match self.standing(runtime):
            case Standing.BEHIND:
                return (f"scores {score}, {leader} {_score(self.scores[leader])}",)
            case Standing.UNDECIDED if self.scores[runtime].value is None:
                return (f"missing evidence leaves its score at {score}",)
            case Standing.UNDECIDED if len(self.ranking.group) > 1:
                return (f"scores {score}, and missing evidence of its rivals could put them before it",)
            case _:
                return (f"scores {score}",)


def sentence(account: Account) -> str:
    """Put the decision into one or two sentences, and say who was not in it and why."""
    parts = [_answer(account), _knocked_out(account), _waived(account), _field(account)]
    return " ".join(part for part in parts if part)


def _answer(account: Account) -> str:
    ranking, title = account.ranking, account.title
    if not ranking.order:
        return _nobody(account)
    group, rivals = ranking.group, [name for name in ranking.order if name not in ranking.group]
    leader = ranking.order[0]
    match ranking.standings[leader]:
        case Standing.RECOMMENDED:
            score = f"{leader} is recommended for {title} with a score of {_score(account.scores[leader])}"
            if not rivals:
                return f"{score}: no other runtime measured here is eligible."
            return f"{score}, {_lead(account, leader, rivals[0])}; {_first(account, group)}."
        case Standing.TIED:
            return (
                f"{_listed(group)} are tied for {title}: their scores ({_scores(account, group)}) differ by "
                f"less than the tie margin, and {_first(account, group)}."
            )
        case Standing.TOO_CLOSE:
            cause = (
                "the order depends on the weights, and more measuring would not settle it"
                if account.weights_decide
                else "noise and weights could put either first"
                if len(group) == 2
                else "noise and weights could put any of them first"
            )
            chances = ", ".join(f"{name} {percent(account.chances[name])}" for name in group)
            names = _listed(group)
            return (
                f"Too close to call for {title} between {names}: {cause} (first in {chances} of the draws)."
            )
        case _:
            return _undecided(account, group)


def _undecided(account: Account, group: Sequence[str]) -> str:
    vetoes = [name for name in group if name in account.unresolved]
    overlap = f"Undecided for {account.title}: "
    if len(group) > 1:
        who = f"{'either' if len(group) == 2 else 'any'} of {_listed(group)}"
        between = f"missing evidence could put {who} first ({_scores(account, group)})"
        overlap += between if not vetoes else f"{between}, and "
    if vetoes:
        names = sorted({veto for name in vetoes for veto in account.unresolved[name]})
        overlap += f"it is not known whether {_listed(names)} would knock out {_listed(vetoes, 'or')}"
    return f"{overlap}."


def _nobody(account: Account) -> str:
    if account.knocked_out:
        return f"No runtime is eligible for {account.title} at {account.site}."
    if account.host_measured:
        return (
            f"Only the bare host was measured at {account.site}, so no runtime can be recommended "
            f"for {account.title}."
        )
    return f"Nothing was measured at {account.site}, so nothing can be recommended for {account.title}."


def _lead(account: Account, leader: str, rival: str) -> str:
    ours, theirs = account.scores[leader], account.scores[rival]
    known = ours.value is not None and theirs.value is not None
    by = f"{'' if known else 'at least '}{share(ours.low - theirs.high)}"
    return f"{by} ahead of {rival} ({_score(theirs)})"


def _first(account: Account, group: Sequence[str]) -> str:
    chance = min(1.0, sum(account.chances[name] for name in group))
    who = "one of them is first" if len(group) > 1 else "it is first"
    return f"{who} in {_at_least(account)}{percent(chance)} of the draws of weights and measurements"


def _at_least(account: Account) -> str:
    """Chances are lower bounds where evidence is missing."""
    complete = all(account.scores[name].value is not None for name in account.ranking.order)
    return "" if complete else "at least "


def _knocked_out(account: Account) -> str:
    return " ".join(
        f"{name} is knocked out: {'; '.join(reason.short for reason in reasons)}."
        for name, reasons in sorted(account.knocked_out.items())
    )


def _waived(account: Account) -> str:
    return " ".join(
        f"{name} would be knocked out, but {account.site} accepts it: "
        f"{'; '.join(reason.short for reason in reasons)}."
        for name, reasons in sorted(account.waived.items())
        if name not in account.knocked_out
    )


def _field(account: Account) -> str:
    """Say among how many this was decided, and who could not take part."""
    absent = {name: why for name, why in account.not_measured.items() if name not in account.knocked_out}
    measured = len(account.scores) - len(account.not_measured)
    said = []
    if measured and account.ranking.order:
        number = _NUMBERS[measured] if measured < len(_NUMBERS) else str(measured)
        said.append(f"{number.capitalize()} runtime{' was' if measured == 1 else 's were'} measured here.")
    alike: dict[str, list[str]] = {}
    for name, why in sorted(absent.items()):
        alike.setdefault(_ABSENT if why.startswith(_ABSENT) else why.rstrip("."), []).append(name)
    for why, names in alike.items():
        told = why if len(names) > 1 else absent[names[0]].rstrip(".")
        end = "" if told.endswith("?") else "."
        said.append(f"{_listed(names)} {'was' if len(names) == 1 else 'were'} not measured: {told}{end}")
    return " ".join(said)


def _score(score: Score) -> str:
    if score.value is not None:
        return share(score.value)
    return f"{share(score.low)} to {share(score.high)}"


def _scores(account: Account, names: Sequence[str]) -> str:
    return ", ".join(f"{name} {_score(account.scores[name])}" for name in names)


def _listed(names: Sequence[str], word: str = "and") -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {word} {names[-1]}"
