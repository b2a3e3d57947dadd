// Shows the sites of an organization: markers on a bundled outline, tiles below them where an address is configured.
"use strict";

(() => {
  const place = document.querySelector("[data-map]");
  if (!place) return;

  const styles = {
    country: { color: "#9fb3bd", weight: 1, fillColor: "#fbfcfa", fillOpacity: 1 },
    city: { color: "#9fb3bd", weight: 1, fillColor: "#e8e4da", fillOpacity: 1 },
    water: { color: "#9cc7de", weight: 1, fillColor: "#c5e0ee", fillOpacity: 1 },
    river: { color: "#9cc7de", weight: 2, fill: false },
  };

  const outline = async (map) => {
    const response = await fetch(place.dataset.outline);
    const shapes = await response.json();
    const group = L.layerGroup().addTo(map);
    L.geoJSON(shapes, {
      interactive: false,
      filter: (feature) => feature.geometry.type !== "Point",
      style: (feature) => styles[feature.properties.role],
    }).addTo(group);
    shapes.features.filter((feature) => feature.geometry.type === "Point").forEach((feature) => {
      const [longitude, latitude] = feature.geometry.coordinates;
      const label = document.createElement("span");
      label.textContent = feature.properties.name;
      const icon = L.divIcon({ className: "fp-place", html: label, iconSize: [80, 14] });
      L.marker([latitude, longitude], { icon, interactive: false, keyboard: false, pane: "shadowPane" }).addTo(group);
    });
    return group;
  };

  const popup = (site) => {
    const box = document.createElement("div");
    const link = document.createElement("a");
    link.href = site.url;
    link.textContent = site.name;
    const kinds = document.createElement("div");
    kinds.textContent = site.kinds.map((kind) => kind.replaceAll("_", " ")).join(", ") || "no devices yet";
    box.append(link, kinds);
    return box;
  };

  const tiles = (map, background) => {
    if (!place.dataset.tiles) return;
    const layer = L.tileLayer(place.dataset.tiles, {
      attribution: place.dataset.attribution, maxZoom: 19, referrerPolicy: "strict-origin",
    });
    layer.once("tileload", () => background?.remove());
    layer.addTo(map);
  };

  const start = async () => {
    const map = L.map(place, { zoomSnap: 0.25, scrollWheelZoom: false });
    map.attributionControl.setPrefix("");
    const response = await fetch(place.dataset.map, { headers: { Accept: "application/json" } });
    const { sites } = await response.json();
    map.fitBounds(L.latLngBounds(sites.map((site) => [site.latitude, site.longitude])), { padding: [40, 40], maxZoom: 13 });
    const background = await outline(map).catch(() => undefined);
    tiles(map, background);
    const icon = L.divIcon({ className: "fp-marker", iconSize: [18, 18], iconAnchor: [9, 9], popupAnchor: [0, -8] });
    sites.forEach((site) => {
      L.marker([site.latitude, site.longitude], { icon, title: site.name, alt: site.name }).addTo(map).bindPopup(popup(site));
    });
  };

  start().catch(() => { place.textContent = "The map could not be loaded. Reload the page to try again."; });
})();
