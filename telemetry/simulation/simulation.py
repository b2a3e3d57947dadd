"""Simulated sites at a broker: they measure, publish, and obey what they are told."""

import json
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from telemetry.engine.setpoints import Steps, read_payload
from telemetry.engine.topics import ANSWER, PREFIX, SETPOINT
from telemetry.mqtt.address import BrokerAddress
from telemetry.simulation.connections import Connections, DeviceConnection
from telemetry.simulation.engine.surroundings import Device
from telemetry.simulation.fleet import Member
from telemetry.simulation.passwords import name_of

SECONDS_BETWEEN_REPORTS = 10.0
TOLERANCE = 1.01

log = logging.getLogger(__name__)
Logins = Mapping[str, tuple[str, str]]


@dataclass(frozen=True)
class Pace:
    """Each site measures every so many seconds, while its own time passes `speed` times as fast."""

    every_seconds: float
    speed: float = 1.0


@dataclass
class Orders:
    """What a device was told last."""

    device: Device
    message_id: str = ""
    steps: Steps | None = None

    def take(self, payload: bytes) -> dict[str, str] | None:
        """Take a set-point, or that there is none any more; return the answer.

        Raises:
            ValueError: for what is no set-point.
        """
        if not payload:
            self.message_id, self.steps = "", None
            return None
        message_id, steps = read_payload(payload)
        reason = self._refusal(steps)
        if reason:
            return {"id": message_id, "status": "refused", "reason": reason}
        self.message_id, self.steps = message_id, steps
        return {"id": message_id, "status": "accepted"}

    def power_kw(self, now: datetime) -> float | None:
        """Return the power that it is told of now."""
        return self.steps.at(now) if self.steps is not None else None

    def _refusal(self, steps: Steps) -> str:
        limits = self.device.limits_kw()
        if limits is None:
            return "This device takes no set-points."
        low, high = (TOLERANCE * limit for limit in limits)
        for value in steps.power_kw.tolist():
            if value < low - 1e-6 or value > high + 1e-6:
                return f"{value:g} kW is told; allowed: {limits[0]:g} to {limits[1]:g} kW."
        return ""


@dataclass
class Running:
    """A site with its connections and orders, by the devices' names; "" is the site itself."""

    member: Member
    place: str
    orders: dict[str, Orders]
    connections: dict[str, DeviceConnection] = field(default_factory=dict)
    simulated_at: datetime | None = None


class Simulation:
    """Runs until `stopping` is set."""

    def __init__(
        self,
        address: BrokerAddress,
        members: Sequence[Member],
        logins: Logins,
        pace: Pace,
        stopping: threading.Event,
        shared: bool = False,
    ) -> None:
        self.address, self.logins, self.pace, self.stopping = address, logins, pace, stopping
        self.readings = 0
        self._reported, self._readings_then = time.monotonic(), 0
        self._shared = shared
        self._sites = [self._running(member) for member in members]
        devices = {id(each): each for site in self._sites for each in site.connections.values()}
        self._connections = Connections(list(devices.values()))

    def run(self, seconds: float | None = None) -> None:
        """Let the sites measure one after the other, evenly over time; for so many seconds, or until stopped.

        May be called again: devices stay connected until `leave`.
        """
        began, turn = time.monotonic(), 0
        apart = self.pace.every_seconds / max(len(self._sites), 1)
        while not self.stopping.is_set() and (seconds is None or time.monotonic() - began < seconds):
            self._connections.serve(min(began + turn * apart, time.monotonic() + 0.2))
            if time.monotonic() >= began + turn * apart:
                self._measure(self._sites[turn % len(self._sites)])
                turn += 1
            self._report()

    def _report(self) -> None:
        now = time.monotonic()
        if now - self._reported < SECONDS_BETWEEN_REPORTS:
            return
        log.info(
            "%.0f readings/s of %d sites; %d of %d devices connected, %d messages acknowledged in all.",
            (self.readings - self._readings_then) / (now - self._reported),
            len(self._sites),
            sum(each.connected for each in self._connections.devices),
            len(self._connections.devices),
            sum(each.acknowledged for each in self._connections.devices),
        )
        self._reported, self._readings_then = now, self.readings

    def leave(self) -> None:
        """Let every device say that it is offline, and go."""
        self._connections.leave()

    def _running(self, member: Member) -> Running:
        site = member.site
        place = f"{PREFIX}/{site.organization.slug}/{site.slug}"
        running = Running(member, place, {name: Orders(each) for name, each in member.simulated.devices.items()})
        gateway = self._connect(running, name_of(site, None), "", list(member.levels))
        for asset in member.assets:
            own = self._connect(running, name_of(site, asset), asset.name, [asset.name])
            if (used := own or gateway) is not None:
                running.connections[asset.name] = used
        if gateway is not None:
            running.connections[""] = gateway
        return running

    def _connect(self, running: Running, name: str, device: str, heard: Sequence[str]) -> DeviceConnection | None:
        """Return the connection of a credential; None where there is no such credential."""
        if name not in self.logins:
            return None
        own = {asset.name for asset in running.member.assets if name_of(running.member.site, asset) in self.logins}
        listens = {
            self._topic(running, each, SETPOINT): lambda _topic, payload, each=each: self._told(running, each, payload)
            for each in heard
            if each and (each == device or each not in own)
        }
        login = self.logins[name]
        client_id = name if self._shared else login[0]
        return DeviceConnection(
            self.address, login, client_id, f"{running.place}/{running.member.levels[device]}", listens
        )

    def _measure(self, running: Running) -> None:
        real = datetime.now(UTC)
        before = running.simulated_at
        passed = timedelta(seconds=self.pace.every_seconds * self.pace.speed)
        running.simulated_at = real if before is None else before + passed
        setpoints = {name: each.power_kw(real) for name, each in running.orders.items()}
        values = running.member.simulated.step(running.simulated_at, passed.total_seconds(), setpoints)
        moment = f"{time.time():.6f}"
        for name, quantities in values.items():
            connection = running.connections.get(name)
            if connection is None:
                continue
            for quantity, value in quantities.items():
                payload = f'{{"ts":{moment},"value":{value + 0.0:.4f}}}'
                self.readings += connection.publish(self._topic(running, name, quantity), payload)

    def _told(self, running: Running, name: str, payload: bytes) -> None:
        try:
            answer = running.orders[name].take(payload)
        except ValueError as error:
            log.info("%s is told nonsense: %s", name, error)
            return
        if answer is not None:
            running.connections[name].publish(self._topic(running, name, ANSWER), json.dumps(answer))

    def _topic(self, running: Running, name: str, last: str) -> str:
        return f"{running.place}/{running.member.levels[name]}/{last}"
