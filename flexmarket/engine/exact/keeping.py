"""Whether a promise can be kept: for offers of any method, and for those still open after a plan has changed."""

from flexmarket.engine.errors import OfferError
from flexmarket.engine.exact.linear import Bounds
from flexmarket.engine.exact.model import PlannedSite
from flexmarket.engine.exact.subject import Call, Subject
from flexmarket.engine.offer import Direction
from optimization.engine.problem import SiteProblem
from optimization.engine.schedule import Schedule


class Keeper:
    """A planned site that is asked which changes of power it can hold.

    Raises:
        OfferError: for a schedule that is no plan of this site.
    """

    def __init__(self, problem: SiteProblem, schedule: Schedule) -> None:
        self._planned = PlannedSite(problem, schedule)
        self._subjects: dict[str | None, Subject] = {}
        self._from: dict[tuple[str | None, int], Bounds] = {}

    def can_keep(self, device: str | None, direction: Direction, first: int, steps: int, power_kw: float) -> bool:
        """Tell whether a device (None: the site's meter) can hold a change of power for `steps` from step `first` on.

        Held means: exactly this change in every step, by the device alone with the heat stores and boilers behind it,
        and afterwards no wish missed that the plan holds. A device that only switches may change by more.

        Raises:
            OfferError: for a device that the site does not have.
        """
        if first + steps > self._planned.count:
            return False
        subject, bounds = self._subject(device), self._bounds(device, first)
        call = Call(first=first, end=first + steps, direction=direction, least_kw=power_kw, most_kw=power_kw)
        if not len(subject.states):
            return subject.cheapest(bounds, call) is not None
        for held in (subject.held(bounds, self._planned.plan), *self._rounded(subject, bounds, call)):
            if subject.cheapest(held, call) is not None:
                return True
        values = subject.searched(bounds, call, None)
        return values is not None and subject.cheapest(subject.held(bounds, values), call) is not None

    def _rounded(self, subject: Subject, bounds: Bounds, call: Call) -> list[Bounds]:
        relaxed = subject.relaxed(bounds, call)
        return [] if relaxed is None else [subject.rounded(bounds, relaxed)]

    def _subject(self, device: str | None) -> Subject:
        if device is not None and device not in self._planned.index:
            raise OfferError("device", device, ", ".join(sorted(self._planned.index)))
        if device not in self._subjects:
            place = None if device is None else self._planned.index[device]
            self._subjects[device] = Subject(self._planned, place)
        return self._subjects[device]

    def _bounds(self, device: str | None, first: int) -> Bounds:
        if (device, first) not in self._from:
            self._from[device, first] = self._subject(device).from_step(first)
        return self._from[device, first]
