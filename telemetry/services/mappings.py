"""Writes of mappings, by hand or from a preset."""

from collections.abc import Iterator

from django.core.exceptions import ValidationError
from django.db import transaction

from flexplatform.accounts import audit
from flexplatform.accounts.models import Organization
from telemetry.engine.mapping import MappingSpec
from telemetry.engine.presets import Preset
from telemetry.models import DeviceCredential, Mapping, MappingRule


@transaction.atomic
def create_mapping(
    *, organization: Organization, spec: MappingSpec, credential: DeviceCredential | None = None
) -> Mapping:
    """Make a mapping with its rules.

    Raises:
        ValidationError: by field.
    """
    mapping = Mapping(
        organization=organization, credential=credential, name=spec.name, topic=spec.topic, time_path=spec.time_path
    )
    mapping.full_clean()
    mapping.save()
    audit.record(organization=organization, action="mapping.create", instance=mapping, after=audit.snapshot(mapping))
    rules = list(_rules(mapping, spec))
    MappingRule.objects.bulk_create(rules)
    rows = [(rule, None, audit.snapshot(rule)) for rule in rules]
    audit.record_many(organization=organization, action="mappingrule.create", rows=rows)
    return mapping


@transaction.atomic
def apply_preset(
    *, organization: Organization, preset: Preset, credential: DeviceCredential | None = None
) -> list[Mapping]:
    """Make the mappings of a preset that a credential, or the organization, has not yet by their names."""
    there = set(Mapping.objects.filter(organization=organization, credential=credential).values_list("name", flat=True))
    return [
        create_mapping(organization=organization, credential=credential, spec=spec)
        for spec in preset.mappings
        if spec.name not in there
    ]


def _rules(mapping: Mapping, spec: MappingSpec) -> Iterator[MappingRule]:
    for index, rule in enumerate(spec.rules):
        row = MappingRule(
            mapping=mapping, path=rule.path, asset=rule.asset, quantity=rule.quantity, unit=rule.unit, sign=rule.sign
        )
        try:
            row.full_clean()
        except ValidationError as error:
            named = {f"rules[{index}].{name}": messages for name, messages in error.message_dict.items()}
            raise ValidationError(named) from error
        yield row
