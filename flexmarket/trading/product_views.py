"""Pages of products, contracts and rules of rolling operation: lists, and forms over the services."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Count, Model, Q, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import ListView, TemplateView

from flexmarket.engine.market.states import OPEN
from flexmarket.models import Contract, MarketProduct, RollingOperation
from flexmarket.trading import products
from flexmarket.trading.row_forms import ContractForm, ProductForm, RollingForm, RowForm
from flexplatform.accounts import permissions
from flexplatform.portal.views import OrganizationMixin


class ProductList(OrganizationMixin, ListView):
    """Every product with the number of its offers."""

    permission = permissions.VIEW_OFFERS
    template_name = "flexmarket/products.html"
    context_object_name = "products"
    paginate_by = 50

    def get_queryset(self) -> QuerySet[MarketProduct]:
        """Return the organization's products."""
        standing = Count("offers", filter=Q(offers__state__in=[state.value for state in OPEN]))
        rows = MarketProduct.objects.filter(organization=self.organization)
        return rows.annotate(open_offers=standing).order_by("name")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the products and whether the member may change them."""
        may_change = self.tenant_request.membership.may(permissions.CHANGE_PRODUCTS)
        return super().get_context_data(**{**kwargs, "may_change": may_change})


class ContractList(OrganizationMixin, ListView):
    """Every contract."""

    permission = permissions.VIEW_SETTLEMENT
    template_name = "flexmarket/contracts.html"
    context_object_name = "contracts"
    paginate_by = 50

    def get_queryset(self) -> QuerySet[Contract]:
        """Return the organization's contracts."""
        return Contract.objects.filter(organization=self.organization).select_related("site", "portfolio")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the contracts and whether the member may change them."""
        may_change = self.tenant_request.membership.may(permissions.CHANGE_PRODUCTS)
        return super().get_context_data(**{**kwargs, "may_change": may_change})


class RowMixin(OrganizationMixin):
    """What the pages of one kind of row share: its table, form, services, words and addresses."""

    permission = permissions.CHANGE_PRODUCTS
    model: type[Model]
    form_class: type[RowForm]
    name: str
    list_name: str
    list_label: Any
    new_label: Any
    create: ClassVar[Callable[..., Any]]
    update: ClassVar[Callable[..., Any]]
    remove: ClassVar[Callable[..., Any]]

    def row(self) -> Any:
        """Return the row of the address, None on the page that makes one; of another organization it does not exist."""
        if self.name not in self.kwargs:
            return None
        rows = self.model._default_manager.filter(organization=self.organization)
        return get_object_or_404(rows, pk=self.kwargs[self.name])


class RowPage(RowMixin, TemplateView):
    """A form that makes or changes a row."""

    template_name = "flexmarket/row_form.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return the form."""
        row = kwargs.pop("row", None) or self.row()
        form = kwargs.pop("form", None) or self.form_class(self.organization, instance=row)
        shown = {"form": form, "row": row, "title": row or self.new_label}
        shown |= {"list_name": self.list_name, "list_label": self.list_label, "delete_name": f"{self.name}_delete"}
        return super().get_context_data(**{**kwargs, **shown})

    def post(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponseBase:
        """Store what the form says, or show what is wrong at its field."""
        row = self.row()
        form = self.form_class(self.organization, request.POST, instance=row)
        if form.is_valid():
            try:
                if row is None:
                    stored = type(self).create(organization=self.organization, values=form.cleaned_data)
                else:
                    stored = type(self).update(**{self.name: row, "values": form.cleaned_data})
            except ValidationError as error:
                form.take(error)
            else:
                messages.success(request, _("%(name)s was saved.") % {"name": stored})
                return redirect(self.list_name, self.organization.slug)
        return self.render_to_response(self.get_context_data(row=row, form=form), status=422)


class DeleteRow(RowMixin):
    """Deletes a row."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponseBase:
        """Delete, then show the list; where something still needs the row, say so."""
        row = self.row()
        try:
            type(self).remove(**{self.name: row})
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        else:
            messages.success(request, _("%(name)s was deleted.") % {"name": row})
        return redirect(self.list_name, self.organization.slug)


class ProductWords(RowMixin):
    """What product pages are about."""

    model, form_class, name, list_name = MarketProduct, ProductForm, "product", "market_products"
    list_label, new_label = gettext_lazy("Products"), gettext_lazy("New product")
    create = staticmethod(products.create_product)
    update = staticmethod(products.update_product)
    remove = staticmethod(products.delete_product)


class ContractWords(RowMixin):
    """What contract pages are about."""

    model, form_class, name, list_name = Contract, ContractForm, "contract", "contracts"
    list_label, new_label = gettext_lazy("Contracts"), gettext_lazy("New contract")
    create = staticmethod(products.create_contract)
    update = staticmethod(products.update_contract)
    remove = staticmethod(products.delete_contract)


class RollingWords(RowMixin):
    """What pages of rolling operation are about."""

    permission = permissions.SWITCH_DISPATCH
    model, form_class, name, list_name = RollingOperation, RollingForm, "rolling", "rolling"
    list_label, new_label = gettext_lazy("Renewed plans"), gettext_lazy("New rule")
    create = staticmethod(products.create_rolling)
    update = staticmethod(products.update_rolling)
    remove = staticmethod(products.delete_rolling)


class ProductPage(ProductWords, RowPage):
    """Makes or changes a product."""


class DeleteProduct(ProductWords, DeleteRow):
    """Deletes a product."""


class ContractPage(ContractWords, RowPage):
    """Makes or changes a contract."""


class DeleteContract(ContractWords, DeleteRow):
    """Deletes a contract."""


class RollingPage(RollingWords, RowPage):
    """Makes or changes how often plans are renewed."""


class DeleteRolling(RollingWords, DeleteRow):
    """Takes back how often plans are renewed."""
