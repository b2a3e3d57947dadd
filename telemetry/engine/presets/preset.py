"""What a preset is."""

from collections.abc import Sequence
from dataclasses import dataclass

from telemetry.engine.mapping import MappingSpec


@dataclass(frozen=True, kw_only=True)
class Preset:
    """Mappings for one maker's devices; `setting` says where the prefix of the topics is set on the device.

    Devices are named as the preset assumes (`pv`, `battery`, ...); whoever applies it changes what differs.
    """

    name: str
    label: str
    setting: str
    mappings: Sequence[MappingSpec]
