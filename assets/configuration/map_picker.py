"""Coordinates by a click on a map; works without any network, and without Django's geographic parts."""

from typing import Any

from django import forms
from django.conf import settings
from django.db import models
from django.template.loader import render_to_string
from django.templatetags.static import static


class MapPicker(forms.NumberInput):
    """The number of the latitude with a map below it, which also fills the longitude of the same form."""

    template_name = "admin/assets/map_picker.html"

    class Media:
        css = {"all": ("leaflet/leaflet.css", "assets/map_picker.css")}
        js = ("leaflet/leaflet.js", "assets/map_picker.js")

    def _render(self, template_name: str, context: dict[str, Any], renderer: Any = None) -> str:
        # The renderer of forms does not look into the project's templates.
        return render_to_string(template_name, context)

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Return what the template needs: the fields of the form, the outline, the tiles where they are configured."""
        context = super().get_context(name, value, attrs)
        latitude = context["widget"]["attrs"].get("id", f"id_{name}")
        return {
            **context,
            "latitude": latitude,
            "longitude": latitude.replace("latitude", "longitude"),
            "outline": static("flexplatform/outline.geojson"),
            "tiles": settings.MAP_TILES_URL,
            "attribution": settings.MAP_TILES_ATTRIBUTION,
        }


def widget_of(field: "models.Field[Any, Any]") -> forms.Widget | None:
    """Return the widget of a column where it has a special one."""
    if field.name == "latitude":
        return MapPicker(attrs={"step": "any"})
    if field.name == "longitude":
        return forms.NumberInput(attrs={"step": "any"})
    return None
