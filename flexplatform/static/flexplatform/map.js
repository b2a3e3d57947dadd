// Shows the sites of an organization (see assets/map_data.py) in clusters on a bundled outline, tiles below them where
// an address is configured. On the map page a form filters them and a panel beside the map tells about the chosen one.
"use strict";

(() => {
  const place = document.querySelector("[data-map]");
  if (!place) return;

  const MOST_KINDS = 4;
  const NEAR_ZOOM = 11;
  const FAR_ZOOM = 8;
  const MANY = 1000;
  const SVG = "http://www.w3.org/2000/svg";
  const filter = document.querySelector("[data-map-filter]");
  const count = document.querySelector("[data-map-count]");
  const side = document.querySelector("#map-side");
  const number = new Intl.NumberFormat(document.documentElement.lang);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  const element = (name, className, ...children) => {
    const made = document.createElement(name);
    made.className = className;
    made.append(...children);
    return made;
  };

  const styles = {
    country: () => ({ color: colour("--fp-coast"), weight: 1, fillColor: colour("--fp-land"), fillOpacity: 1 }),
    city: () => ({ color: colour("--fp-coast"), weight: 1, fillColor: colour("--fp-city"), fillOpacity: 1 }),
    water: () => ({ color: colour("--fp-coast"), weight: 1, fillColor: colour("--fp-water"), fillOpacity: 1 }),
    river: () => ({ color: colour("--fp-water"), weight: 2, fill: false }),
  };

  const outline = async (map) => {
    const response = await fetch(place.dataset.outline);
    const shapes = await response.json();
    const group = L.layerGroup().addTo(map);
    const drawn = L.geoJSON(shapes, {
      interactive: false,
      filter: (feature) => feature.geometry.type !== "Point",
      style: (feature) => styles[feature.properties.role](),
    }).addTo(group);
    document.addEventListener("theme", () => drawn.setStyle((feature) => styles[feature.properties.role]()));
    shapes.features.filter((feature) => feature.geometry.type === "Point").forEach((feature) => {
      const [longitude, latitude] = feature.geometry.coordinates;
      const icon = L.divIcon({ className: "fp-place", html: element("span", "", feature.properties.name), iconSize: [80, 14] });
      L.marker([latitude, longitude], { icon, interactive: false, keyboard: false, pane: "shadowPane" }).addTo(group);
    });
    return group;
  };

  const tiles = (map, background) => {
    if (!place.dataset.tiles) return;
    const layer = L.tileLayer(place.dataset.tiles, {
      attribution: place.dataset.attribution, maxZoom: 19, referrerPolicy: "strict-origin",
    });
    layer.once("tileload", () => background?.remove());
    layer.addTo(map);
  };

  const kindIcon = (kind) => {
    const svg = document.createElementNS(SVG, "svg");
    const use = document.createElementNS(SVG, "use");
    svg.setAttribute("class", "icon");
    svg.setAttribute("aria-hidden", "true");
    use.setAttribute("href", `${place.dataset.icons}#${kind.icon}`);
    svg.append(use);
    const badge = element("span", `fp-kind fp-kind-${kind.name}`, svg);
    badge.title = kind.label;
    return badge;
  };

  // An icon that is made when its marker is first drawn: of ten thousand markers few ever are.
  const LazyIcon = L.DivIcon.extend({
    createIcon(old) {
      this.options.html ??= this.options.draw();
      return L.DivIcon.prototype.createIcon.call(this, old);
    },
  });

  const siteIcon = (data, index) => new LazyIcon({
    className: "fp-site", iconSize: null, iconAnchor: [9, 9], html: null,
    draw: () => {
      const state = data.states[data.sites.state[index]].name;
      const kinds = data.kinds.filter((_kind, bit) => data.sites.kinds[index] & (1 << bit)).slice(0, MOST_KINDS);
      return element("span", "fp-pill", element("span", `fp-state fp-state-${state}`), element("span", "fp-kinds", ...kinds.map(kindIcon)));
    },
  });

  const deviceIcon = (kind) => new LazyIcon({
    className: "fp-site", iconSize: null, iconAnchor: [12, 12], html: null, draw: () => kindIcon(kind),
  });

  const popup = (data, index) => {
    const link = element("a", "", data.sites.name[index]);
    link.href = data.page.replace("SITE", data.sites.slug[index]);
    return element("div", "", link, element("div", "", data.states[data.sites.state[index]].label));
  };

  const choose = (data, index) => {
    const url = new URL(window.location.href);
    url.searchParams.set("site", data.sites.slug[index]);
    window.history.replaceState(null, "", url);
    htmx.ajax("GET", data.panel.replace("SITE", data.sites.slug[index]), { target: side, swap: "innerHTML" });
  };

  const marker = (data, index, latitude, longitude, name, icon) => {
    const made = L.marker([latitude, longitude], { icon, title: name, alt: name });
    made.site = index;
    made.state = data.sites.state[index];
    made.on("click", () => {
      if (side) choose(data, index);
      else made.bindPopup(popup(data, index)).openPopup();
    });
    return made;
  };

  const markersOf = (data) => {
    const { sites, devices } = data;
    const label = (index) => `${sites.name[index]}, ${data.states[sites.state[index]].label}`;
    const own = sites.name.map((_name, index) =>
      marker(data, index, sites.latitude[index], sites.longitude[index], label(index), siteIcon(data, index)));
    const elsewhere = devices.name.map((name, index) => {
      const made = marker(data, devices.site[index], devices.latitude[index], devices.longitude[index],
        `${name}, ${label(devices.site[index])}`, deviceIcon(data.kinds[devices.kind[index]]));
      made.kind = devices.kind[index];
      return made;
    });
    return [...own, ...elsewhere];
  };

  // The most pressing state of a cluster's sites is its colour; the states are in that order.
  const cluster = (data) => (group) => {
    const found = group.getAllChildMarkers();
    const worst = found.reduce((least, each) => Math.min(least, each.state), data.states.length - 1);
    const size = group.getChildCount() < MANY ? 38 : 48;
    const box = element("span", `fp-cluster${size > 38 ? " fp-cluster-large" : ""} fp-state-${data.states[worst].name}`, element("span", "", number.format(group.getChildCount())));
    return L.divIcon({ className: "", html: box, iconSize: [size, size] });
  };

  const fits = (data) => {
    const wanted = Object.fromEntries(new FormData(filter));
    const state = data.states.findIndex((each) => each.name === wanted.state);
    const kind = data.kinds.findIndex((each) => each.name === wanted.kind);
    const portfolio = data.portfolios.indexOf(wanted.portfolio);
    const name = wanted.name.trim().toLowerCase();
    return (each) =>
      (!wanted.state || data.sites.state[each.site] === state)
      && (!wanted.portfolio || data.sites.portfolio[each.site] === portfolio)
      && (!name || data.sites.name[each.site].toLowerCase().includes(name))
      && (!wanted.kind || (each.kind === undefined ? Boolean(data.sites.kinds[each.site] & (1 << kind)) : each.kind === kind));
  };

  const show = (data, group, markers) => {
    group.clearLayers();
    group.addLayers(markers);
    if (!count) return;
    const shown = new Set(markers.map((each) => each.site)).size;
    count.textContent = place.dataset.count.replace("{shown}", number.format(shown)).replace("{all}", number.format(data.sites.name.length));
  };

  const startFilter = (data, group, markers) => {
    const asked = new URLSearchParams(window.location.search);
    [...filter.elements].filter((field) => asked.has(field.name)).forEach((field) => { field.value = asked.get(field.name); });
    let waiting;
    const update = () => {
      const url = new URL(window.location.href);
      new FormData(filter).forEach((value, name) => { if (value) url.searchParams.set(name, value); else url.searchParams.delete(name); });
      window.history.replaceState(null, "", url);
      show(data, group, markers.filter(fits(data)));
    };
    filter.addEventListener("submit", (event) => event.preventDefault());
    filter.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(update, 150); });
    const chosen = data.sites.slug.indexOf(asked.get("site"));
    if (chosen >= 0) choose(data, chosen);
    return markers.filter(fits(data));
  };

  const start = async () => {
    const map = L.map(place, { zoomSnap: 0.25, scrollWheelZoom: Boolean(side), maxZoom: 19 });
    map.attributionControl.setPrefix("");
    const zoomed = () => {
      place.classList.toggle("fp-near", map.getZoom() >= NEAR_ZOOM);
      place.classList.toggle("fp-far", map.getZoom() < FAR_ZOOM);
    };
    map.on("zoomend", zoomed);
    const response = await fetch(place.dataset.map, { headers: { Accept: "application/json" } });
    if (!response.ok) throw new Error(String(response.status));
    const data = await response.json();
    const markers = markersOf(data);
    map.fitBounds(L.latLngBounds(markers.map((each) => each.getLatLng())), { paddingTopLeft: [40, 40], paddingBottomRight: [110, 40], maxZoom: 13 });
    zoomed();
    const background = await outline(map).catch(() => undefined);
    tiles(map, background);
    const group = L.markerClusterGroup({
      chunkedLoading: true, showCoverageOnHover: false, maxClusterRadius: 55, spiderfyOnMaxZoom: true,
      iconCreateFunction: cluster(data), animate: !window.matchMedia("(prefers-reduced-motion: reduce)").matches,
    });
    map.addLayer(group);
    show(data, group, filter ? startFilter(data, group, markers) : markers);
    place.dataset.drawn = "yes";
  };

  start().catch(() => { place.textContent = place.dataset.failed; });
})();
