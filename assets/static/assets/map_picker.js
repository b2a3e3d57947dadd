// Sets latitude and longitude by a click on a map or by dragging its marker, and follows what is typed.
"use strict";

(() => {
  const CENTRE = [51.2, 10.4];
  const DIGITS = 6;
  const styles = {
    country: { color: "#9fb3bd", weight: 1, fillColor: "#fbfcfa", fillOpacity: 1 },
    city: { color: "#9fb3bd", weight: 1, fillColor: "#e8e4da", fillOpacity: 1 },
    water: { color: "#9cc7de", weight: 1, fillColor: "#c5e0ee", fillOpacity: 1 },
    river: { color: "#9cc7de", weight: 2, fill: false },
  };

  const typed = (fields) => {
    if (fields.some((field) => field.value.trim() === "")) return undefined;
    const [latitude, longitude] = fields.map((field) => Number(field.value));
    const inside = Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180;
    return inside ? [latitude, longitude] : undefined;
  };

  const background = async (place, map) => {
    const response = await fetch(place.dataset.outline);
    const shapes = await response.json();
    const outline = L.geoJSON(shapes, {
      interactive: false,
      filter: (feature) => feature.geometry.type !== "Point",
      style: (feature) => styles[feature.properties.role],
    }).addTo(map);
    if (!place.dataset.tiles) return;
    const layer = L.tileLayer(place.dataset.tiles, {
      attribution: place.dataset.attribution, maxZoom: 19, referrerPolicy: "strict-origin",
    });
    layer.once("tileload", () => outline.remove());
    layer.addTo(map);
  };

  const start = (place) => {
    const fields = [place.dataset.latitude, place.dataset.longitude].map((id) => document.getElementById(id));
    if (fields.some((field) => !field)) return;
    const at = typed(fields);
    const map = L.map(place, { scrollWheelZoom: false }).setView(at ?? CENTRE, at ? 12 : 5);
    map.attributionControl.setPrefix("");
    background(place, map).catch(() => undefined);
    const icon = L.divIcon({ className: "map-picker-marker", iconSize: [18, 18], iconAnchor: [9, 9] });
    let marker;

    const fill = (point) => {
      const wrapped = point.wrap();
      [fields[0].value, fields[1].value] = [wrapped.lat, wrapped.lng].map((value) => Number(value.toFixed(DIGITS)));
    };
    const mark = (point) => {
      if (marker) {
        marker.setLatLng(point);
        return;
      }
      marker = L.marker(point, { icon, draggable: true, title: "Drag to move", alt: "Place" }).addTo(map);
      marker.on("dragend", () => fill(marker.getLatLng()));
    };

    if (at) mark(at);
    map.on("click", (event) => { mark(event.latlng); fill(event.latlng); });
    fields.forEach((field) => field.addEventListener("change", () => {
      const point = typed(fields);
      if (point) { mark(point); map.panTo(point); }
    }));
  };

  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("[data-map-picker]").forEach(start));
})();
