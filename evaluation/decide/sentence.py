"""The answer in plain words, and the order in which runtimes are named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from evaluation.decide.chances import rare
from evaluation.decide.knockouts import Reason
from evaluation.decide.standing import Ranking
from evaluation.model import Scenario, Score, Standing
from evaluation.units import percent, share, shares

__all__ = ["Account", "answer", "asides", "brief", "depends"]

_ABSENT = "not installed"
"""How the reason of what is not there begins; the rest names its command."""

_CLAUSES = 3
"""So many different outcomes of scenarios stand in a sentence; the others are counted."""

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
    draws: int
    """How many draws the chances were counted in."""
    scenarios: tuple[Scenario, ...] = ()
    waived: Mapping[str, tuple[Reason, ...]] = field(default_factory=dict)
    """What would have knocked a runtime out, had the site not accepted it."""

    @property
    def complete(self) -> bool:
        """Whether nothing is missing in the field, so that chances are no lower bounds."""
        return all(self.scores[name].value is not None for name in self.ranking.order)

    def chance(self, runtime: str) -> float:
        """Give the chance of one to be first, as it is shown everywhere."""
        return self.together((runtime,))

    def together(self, runtimes: Sequence[str]) -> float:
        """Give the chance that one of these is first, as it is shown everywhere."""
        found = min(1.0, sum(self.chances[name] for name in runtimes))
        if len(runtimes) == len(self.ranking.order):
            return found
        return rare(found, self.draws, at_least=not self.complete)

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


def answer(account: Account) -> str:
    """Put the decision into one sentence."""
    ranking, title = account.ranking, account.title
    if not ranking.order:
        return _nobody(account, f"for {title}")
    group = ranking.group
    match ranking.standings[ranking.order[0]]:
        case Standing.DEPENDS:
            return depends(title, account.scenarios)[0]
        case Standing.RECOMMENDED:
            return f"{group[0]} is recommended for {title}{_recommended(account)}; {_first(account, group)}."
        case Standing.TIED:
            return (
                f"{_listed(group)} are tied for {title}: their scores ({_scores(account, group)}) differ by "
                f"less than the tie margin, and {_first(account, group)}."
            )
        case Standing.TOO_CLOSE:
            chances = ", ".join(f"{name} {percent(account.chance(name))}" for name in group)
            told = f"Too close to call for {title} between {_listed(group)}: {_cause(account, group)}"
            return f"{told} (first in {chances} of the draws)."
        case _:
            return f"Undecided for {title}: {_open(account, group, scores=True)}."


def brief(account: Account) -> str:
    """Put it into a shorter one, for where the use case and the chance stand beside it already."""
    ranking = account.ranking
    if not ranking.order:
        return _nobody(account, "")
    group = ranking.group
    match ranking.standings[ranking.order[0]]:
        case Standing.DEPENDS:
            return depends(account.title, account.scenarios)[1]
        case Standing.RECOMMENDED:
            return f"{group[0]} is recommended{_recommended(account)}."
        case Standing.TIED:
            return f"{_listed(group)} are tied: their scores differ by less than the tie margin."
        case Standing.TOO_CLOSE:
            return f"Too close to call between {_listed(group)}: {_cause(account, group)}."
        case _:
            return f"Undecided: {_open(account, group, scores=False)}."


def asides(account: Account) -> tuple[str, ...]:
    """Say who was not in it, and why."""
    return tuple(part for part in (_knocked_out(account), _waived(account), _field(account)) if part)


def depends(title: str, scenarios: Sequence[Scenario]) -> tuple[str, str]:
    """Say on what an answer turns, in a sentence and in a shorter one.

    Parameters
    ----------
    title : str
        The use case's.
    scenarios : sequence of Scenario
        As signed first; at least one disagrees.
    """
    signed, *rest = scenarios
    against = [scenario for scenario in rest if not scenario.agrees]
    # What puts another first says more than what puts others beside the first.
    weightiest = sorted(against, key=lambda each: set(signed.leaders) <= set(each.leaders))
    on = weightiest[0].turns_on
    alike: dict[frozenset[str], list[Scenario]] = {}
    for scenario in weightiest:
        alike.setdefault(frozenset(scenario.leaders), []).append(scenario)
    told = [
        f"{_listed([each.condition for each in group])}, {_leading(group[0])}"
        for group in list(alike.values())[:_CLAUSES]
    ]
    more = sum(len(group) for group in list(alike.values())[_CLAUSES:])
    if more:
        told.append(
            f"{_number(more)} more scenario{'' if more == 1 else 's'} disagree{'s' if more == 1 else ''}"
        )
    begun = f"it turns on {on}: as signed, {_leading(signed)}"
    first = f"{weightiest[0].condition}, {_leading(weightiest[0])}"
    return f"For {title} {begun}; {'; '.join(told)}.", f"I{begun[1:]}; {first}."


def _leading(scenario: Scenario) -> str:
    names = scenario.leaders
    if len(names) == 1:
        return f"{names[0]} is first"
    if scenario.open:
        return f"{_listed(names, 'or')} could be first"
    return f"{_listed(names)} are alike"


def _recommended(account: Account) -> str:
    """Say by what, and that nobody else is left."""
    leader, *rivals = account.ranking.order
    if not rivals:
        return (
            f" with a score of {_score(account.scores[leader])}, the only one eligible of those measured here"
        )
    rival = rivals[0]
    own, next_ = _score(account.scores[leader]), _score(account.scores[rival])
    return f": it scores {own}, the next, {rival}, {next_}"


def _cause(account: Account, group: Sequence[str]) -> str:
    if account.weights_decide:
        return "the order depends on the weights, and more measuring would not settle it"
    if len(group) == 2:
        return "noise and weights could put either first"
    return "noise and weights could put any of them first"


def _open(account: Account, group: Sequence[str], *, scores: bool) -> str:
    """Say what is not known and could turn the order round."""
    vetoes = [name for name in group if name in account.unresolved]
    told = []
    if len(group) > 1:
        who = f"{'either' if len(group) == 2 else 'any'} of {_listed(group)}"
        beside = f" ({_scores(account, group)})" if scores else ""
        told.append(f"missing evidence could put {who} first{beside}")
    if vetoes:
        names = sorted({veto for name in vetoes for veto in account.unresolved[name]})
        told.append(f"it is not known whether {_listed(names)} would knock out {_listed(vetoes, 'or')}")
    return ", and ".join(told)


def _nobody(account: Account, purpose: str) -> str:
    behind = f" {purpose}" if purpose else ""
    if account.knocked_out:
        return f"No runtime is eligible{behind} at {account.site}."
    if account.host_measured:
        return f"Only the bare host was measured at {account.site}, so no runtime can be recommended{behind}."
    return f"Nothing was measured at {account.site}, so nothing can be recommended{behind}."


def _first(account: Account, group: Sequence[str]) -> str:
    """Say how often it came first, and in how many scenarios."""
    chance = account.together(group)
    who = "one of them is first" if len(group) > 1 else "it is first"
    often = f"{who} in {_at_least(account)}{percent(chance)} of the draws of weights and measurements"
    return f"{often}, and in every declared scenario" if len(account.scenarios) > 1 else often


def _at_least(account: Account) -> str:
    """Chances are lower bounds where evidence is missing."""
    return "" if account.complete else "at least "


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
        said.append(
            f"{_number(measured).capitalize()} runtime{' was' if measured == 1 else 's were'} measured here."
        )
    alike: dict[str, list[str]] = {}
    for name, why in sorted(absent.items()):
        alike.setdefault(_ABSENT if why.startswith(_ABSENT) else why.rstrip("."), []).append(name)
    for why, names in alike.items():
        told = why if len(names) > 1 else absent[names[0]].rstrip(".")
        end = "" if told.endswith("?") else "."
        said.append(f"{_listed(names)} {'was' if len(names) == 1 else 'were'} not measured: {told}{end}")
    return " ".join(said)


def _number(count: int) -> str:
    return _NUMBERS[count] if count < len(_NUMBERS) else str(count)


def _score(score: Score) -> str:
    return share(score.value) if score.value is not None else shares(score.low, score.high)


def _scores(account: Account, names: Sequence[str]) -> str:
    return ", ".join(f"{name} {_score(account.scores[name])}" for name in names)


def _listed(names: Sequence[str], word: str = "and") -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {word} {names[-1]}"
