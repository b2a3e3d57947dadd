"""Ids of another organization in forms, bulk actions, autocomplete and files; fields are found, not listed."""

from collections.abc import Iterator
from typing import Any

import pytest
from django import forms
from django.apps import apps
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import models
from django_scopes import scopes_disabled

from assets.configuration.csv_pages import ImportForm
from assets.configuration.sites import BulkForm
from assets.csv_files import TABLES
from assets.models import Portfolio, Site
from assets.services import import_csv
from flexmarket.board.forms import BoardForm
from flexmarket.trading.forms import MakeOffersForm, OfferFilter
from flexmarket.trading.joint_views import JointOffersForm
from flexplatform.accounts.audit import acting
from flexplatform.accounts.forms import OrganizationTokenForm
from flexplatform.accounts.models import Door, Organization
from flexplatform.accounts.scoping import organization_scope
from forecasting.forms import LookForm
from forecasting.provider_forms import PriceFeedForm
from optimization.forms import StartForm
from telemetry.forms import CredentialForm
from telemetry.mapping_admin import PresetForm
from tests.conftest import People
from tests.tenancy.conftest import World
from tests.tenancy.test_admin import LISTS, MODELS, TENANT_MODELS, rows

pytestmark = pytest.mark.one_database

HOUSE = ("flexplatform", "assets", "telemetry", "forecasting", "optimization", "flexmarket")
# What a cell of a file names a row by.
NAMED_BY: dict[type[models.Model], str] = {Portfolio: "name", Site: "slug"}
RELATION_NAMES = {
    field.name
    for model in apps.get_models()
    if model.__module__.startswith(HOUSE)
    for field in model._meta.concrete_fields
    if isinstance(field, models.ForeignKey)
}


def rows_in(model: type[models.Model], world: World) -> list[Any]:
    """Return the rows of a model that belong to the world's organization."""
    if model is Organization:
        return [world.organization]
    with organization_scope(world.organization):
        return list(model._default_manager.all())


def choices_of(form: forms.BaseForm) -> Iterator[tuple[str, "forms.ModelChoiceField[Any]"]]:
    for name, field in form.fields.items():
        if isinstance(field, forms.ModelChoiceField):
            yield name, field


def assert_offers_own_rows_only(form: forms.BaseForm, world: World, foreign: World) -> int:
    """Check every choice of a form, and return how many there are."""
    count = 0
    for name, field in choices_of(form):
        model = field.queryset.model  # type: ignore[union-attr]
        ours, theirs = rows_in(model, world), rows_in(model, foreign)
        assert ours, f"tests/tenancy/conftest.py makes no row of {model}"
        assert theirs
        offered = set(field.queryset.values_list("pk", flat=True))  # type: ignore[union-attr]
        assert name == "id" or offered >= {row.pk for row in ours}, name
        for row in theirs:
            assert row.pk not in offered, name
            with pytest.raises(ValidationError):
                field.clean(row.pk)
        count += 1
    return count


@pytest.mark.parametrize("name", TENANT_MODELS)
def test_forms_of_the_admin_take_no_foreign_row(people: People, world: World, foreign: World, name: str) -> None:
    client, options = people.client("alice"), MODELS[name][1]
    pages = [client.get(f"{LISTS[name]}add/")]
    pages += [client.get(f"{LISTS[name]}{row.pk}/change/") for row in rows(world, name)[:1]]
    checked = 0
    for page in pages:
        if page.status_code == 200:
            context: Any = page.context
            form = context["adminform"].form if "adminform" in context else context["form"]
            checked += assert_offers_own_rows_only(form, world, foreign)
            with organization_scope(people.a):
                empty = [inline.formset.empty_form for inline in context.get("inline_admin_formsets", ())]
            checked += sum(assert_offers_own_rows_only(form, world, foreign) for form in empty)
    relations = [field for field in options.model._meta.local_concrete_fields if isinstance(field, models.ForeignKey)]
    writable = [field for field in relations if field.editable and not field.remote_field.parent_link]
    if pages[0].status_code == 200 and writable:
        assert checked


def house_forms() -> list[type[forms.BaseForm]]:
    """Return every form class of the platform but those that the admin makes of models."""

    def below(cls: type) -> Iterator[type]:
        for each in cls.__subclasses__():
            yield each
            yield from below(each)

    found = {each for each in below(forms.BaseForm) if each.__module__.startswith(HOUSE)}
    return sorted((each for each in found if not issubclass(each, forms.BaseModelForm)), key=lambda each: each.__name__)


def test_every_other_form_with_a_relation_is_known_and_takes_no_foreign_row(
    people: People, world: World, foreign: World
) -> None:
    relations = {
        form
        for form in house_forms()
        for name, field in getattr(form, "base_fields", {}).items()
        if isinstance(field, forms.ModelChoiceField) or name in RELATION_NAMES
    }
    with organization_scope(people.a):
        made: dict[type[forms.BaseForm], forms.BaseForm] = {
            BulkForm: BulkForm([people.a.pk]),
            ImportForm: ImportForm([people.a]),
            BoardForm: BoardForm(people.a),
            CredentialForm: CredentialForm(),
            LookForm: LookForm(world.site),
            PresetForm: PresetForm([people.a]),
            PriceFeedForm: PriceFeedForm(people.a),
            StartForm: StartForm(people.a),
            MakeOffersForm: MakeOffersForm(world.run),
            JointOffersForm: JointOffersForm(people.a),
            OfferFilter: OfferFilter(people.a),
            OrganizationTokenForm: OrganizationTokenForm(memberships=list(people.alice.memberships.all())),
        }
        assert relations == set(made), "a form with a relation needs a line here"
        for form in made.values():
            assert assert_offers_own_rows_only(form, world, foreign)


def autocompleted() -> Iterator[tuple[type[models.Model], str]]:
    for model, options in admin.site._registry.items():
        yield from ((model, name) for name in options.autocomplete_fields)
        for inline in options.inlines:
            yield from ((inline.model, name) for name in getattr(inline, "autocomplete_fields", ()))


@pytest.mark.parametrize("model", [each for each in apps.get_models() if each.__module__.startswith(HOUSE)])
def test_autocomplete_finds_no_foreign_row(
    people: People, world: World, foreign: World, model: type[models.Model]
) -> None:
    for field in model._meta.concrete_fields:
        if not isinstance(field, models.ForeignKey):
            continue
        query = {"app_label": model._meta.app_label, "model_name": model._meta.model_name, "field_name": field.name}
        answer = people.client("alice").get("/admin/autocomplete/", query)
        used = (model, field.name) in set(autocompleted())
        assert used <= (answer.status_code == 200), field
        assert answer.status_code in {200, 403, 404}, field
        if answer.status_code == 200:
            found = {int(each["id"]) for each in answer.json()["results"]}
            assert found == {row.pk for row in rows_in(field.related_model, world)}, field
        assert people.client("bob").get("/admin/autocomplete/", query).status_code == 302


def stored(model: type[models.Model]) -> list[str]:
    with scopes_disabled():
        return [str(row) for row in model._default_manager.order_by("pk").values()]


@pytest.mark.parametrize("name", TENANT_MODELS)
def test_bulk_actions_reach_no_foreign_row(people: People, world: World, foreign: World, name: str) -> None:
    options: Any = MODELS[name][1]
    theirs = rows(foreign, name)
    assert theirs, f"tests/tenancy/conftest.py makes no row of {name}"
    before = stored(options.model)
    actions = {action if isinstance(action, str) else action.__name__ for action in options.actions or ()}
    form = {"_selected_action": [row.pk for row in theirs], "post": "yes", "apply": "1", "congestion_point": "mine"}
    for action in actions | {"delete_selected"}:
        answer = people.client("alice").post(LISTS[name], {**form, "action": action})
        assert b"of B" not in answer.content, action
        assert stored(options.model) == before, action


def csv_relations() -> list[tuple[str, str]]:
    return [
        (table, name)
        for table, described in TABLES.items()
        for name, field in described.fields.items()
        if isinstance(field, models.ForeignKey)
    ]


@pytest.mark.parametrize(("table", "name"), csv_relations())
def test_files_name_no_foreign_row(people: People, world: World, foreign: World, table: str, name: str) -> None:
    field: Any = TABLES[table].fields[name]
    named_by = NAMED_BY[field.related_model]
    with scopes_disabled():
        field.related_model.objects.filter(organization=people.b).update(**{named_by: "only-of-b"})
        own = getattr(field.related_model.objects.filter(organization=people.a).first(), named_by)

    def errors_with(value: str) -> tuple[str, ...]:
        cells = {"name": "new", "latitude": "48", "longitude": "11"} if table == "site" else {"name": "new"}
        text = f"{name},{','.join(cells)}\n{value},{','.join(cells.values())}\n"
        with organization_scope(people.a), acting("tests", Door.COMMAND):
            (row,) = import_csv(organization=people.a, table=table, data=text, preview=True).rows
        return row.errors

    assert any(f"{name} is" in error for error in errors_with("only-of-b"))
    assert not any(f"{name} is" in error for error in errors_with(own))
