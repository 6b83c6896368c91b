// The photo with the defect map and the outlines over it, drawn on a canvas at the screen's own resolution.

const CLEAR = [255, 214, 102];
const AMBER = [255, 160, 20];
const RED = [235, 40, 30];
const DEEP_RED = [165, 0, 20];
const LINE = { FAIL: "#e0231c", REVIEW: "#c77700" };
const MAX_BADGES = 25;

export class Picture {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.heat = document.createElement("canvas");
    this.scene = null;
  }

  /** scene: {photo, frame: {width, height}, map, judgement, thresholds, opacity, showMap, highlighted} */
  show(scene) {
    const recolour = !this.scene || this.scene.map !== scene.map || this.scene.judgement !== scene.judgement;
    this.scene = scene;
    if (recolour) this.paintHeat();
    this.draw();
  }

  /** Map a pointer event to the frame and the score under it, or null outside the photo. */
  probe(event) {
    if (!this.scene) return null;
    const box = this.canvas.getBoundingClientRect();
    const [u, v] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    if (u < 0 || v < 0 || u >= 1 || v >= 1) return null;
    const { map, frame } = this.scene;
    const index = Math.floor(v * map.height) * map.width + Math.floor(u * map.width);
    return {
      x: Math.floor(u * frame.width), y: Math.floor(v * frame.height),
      score: map.values[index], region: this.scene.judgement.labels[index] - 1,
    };
  }

  draw() {
    if (!this.scene) return;
    const { photo, frame, judgement, opacity, showMap } = this.scene;
    const room = this.canvas.parentElement;
    const fit = Math.min(room.clientWidth / frame.width, room.clientHeight / frame.height);
    const [width, height] = [Math.max(1, Math.round(frame.width * fit)), Math.max(1, Math.round(frame.height * fit))];
    const ratio = window.devicePixelRatio || 1;
    this.canvas.style.width = `${width}px`;
    this.canvas.style.height = `${height}px`;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    const context = this.context;
    context.imageSmoothingQuality = "high";
    if (photo) context.drawImage(photo, 0, 0, this.canvas.width, this.canvas.height);
    if (!showMap) return;
    context.globalAlpha = opacity;
    context.drawImage(this.heat, 0, 0, this.canvas.width, this.canvas.height);
    context.globalAlpha = 1;
    judgement.regions.forEach((region, index) => this.outline(region, index, ratio));
    if (judgement.regions.length <= MAX_BADGES) {
      judgement.regions.forEach((region, index) => this.badge(region, index, ratio));
    }
  }

  /** Colour follows the decision: nothing well below review, amber in the band, red above fail. */
  paintHeat() {
    const { map, thresholds } = this.scene;
    this.heat.width = map.width;
    this.heat.height = map.height;
    const context = this.heat.getContext("2d");
    const image = context.createImageData(map.width, map.height);
    map.values.forEach((value, pixel) => image.data.set(heatColour(value, thresholds), pixel * 4));
    context.putImageData(image, 0, 0);
  }

  outline(region, index, ratio) {
    const context = this.context;
    const [sx, sy] = [this.canvas.width / this.scene.map.width, this.canvas.height / this.scene.map.height];
    const path = new Path2D();
    for (const [x0, y0, x1, y1] of this.segments(region, index)) {
      path.moveTo(x0 * sx, y0 * sy);
      path.lineTo(x1 * sx, y1 * sy);
    }
    const isHighlighted = index === this.scene.highlighted;
    context.lineCap = "round";
    context.strokeStyle = "rgba(255, 255, 255, 0.9)";
    context.lineWidth = (isHighlighted ? 6 : 4) * ratio;
    context.stroke(path);
    context.strokeStyle = LINE[this.scene.judgement.verdict];
    context.lineWidth = (isHighlighted ? 3.5 : 2) * ratio;
    context.stroke(path);
  }

  /** Marching squares over the cells that touch the region: [x0, y0, x1, y1] in map pixels, edges at 0 and width. */
  segments(region, index) {
    const { map, judgement } = this.scene;
    const { threshold, labels } = judgement;
    const at = (x, y) => {
      if (x < 0 || y < 0 || x >= map.width || y >= map.height) return 0;
      const pixel = y * map.width + x;
      return labels[pixel] === index + 1 ? map.values[pixel] : Math.min(map.values[pixel], threshold);
    };
    const found = [];
    for (let y = region.y - 1; y < region.y + region.height; y++) {
      for (let x = region.x - 1; x < region.x + region.width; x++) {
        const corners = [at(x, y), at(x + 1, y), at(x + 1, y + 1), at(x, y + 1)];
        for (const [from, to] of cellLines(corners, threshold)) {
          const [a, b] = [onEdge(from, corners, threshold), onEdge(to, corners, threshold)];
          found.push([
            clamp(x + a[0] + 0.5, map.width), clamp(y + a[1] + 0.5, map.height),
            clamp(x + b[0] + 0.5, map.width), clamp(y + b[1] + 0.5, map.height),
          ]);
        }
      }
    }
    return found;
  }

  badge(region, index, ratio) {
    const context = this.context;
    const { map, judgement, highlighted } = this.scene;
    const radius = (index === highlighted ? 12 : 10) * ratio;
    const corner = upperRight(region.pixels, map.width);
    const x = ((corner.x + 1) / map.width) * this.canvas.width + radius * 0.7;
    const y = (corner.y / map.height) * this.canvas.height - radius * 0.7;
    const [cx, cy] = [
      Math.min(Math.max(x, radius + ratio), this.canvas.width - radius - ratio),
      Math.min(Math.max(y, radius + ratio), this.canvas.height - radius - ratio),
    ];
    context.beginPath();
    context.arc(cx, cy, radius, 0, 2 * Math.PI);
    context.fillStyle = LINE[judgement.verdict];
    context.fill();
    context.lineWidth = 1.5 * ratio;
    context.strokeStyle = "#fff";
    context.stroke();
    context.fillStyle = "#fff";
    context.font = `600 ${11 * ratio}px system-ui, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(String(index + 1), cx, cy + 0.5 * ratio);
  }
}

function upperRight(pixels, width) {
  const lead = (pixel) => (pixel % width) - Math.floor(pixel / width);
  const corner = pixels.reduce((best, pixel) => (lead(pixel) > lead(best) ? pixel : best));
  return { x: corner % width, y: Math.floor(corner / width) };
}

function heatColour(value, { fail, review }) {
  if (value > fail) return [...mix(RED, DEEP_RED, (value - fail) / Math.max(1 - fail, 1e-6)), 235];
  if (value > review) {
    const part = (value - review) / Math.max(fail - review, 1e-6);
    return [...mix(CLEAR, AMBER, part), Math.round(110 + 90 * part)];
  }
  const nearness = Math.max(0, value / Math.max(review, 1e-6) - 0.5) * 2;
  return [...CLEAR, Math.round(110 * nearness * nearness)];
}

function mix(from, to, part) {
  const share = Math.min(Math.max(part, 0), 1);
  return from.map((value, channel) => Math.round(value + (to[channel] - value) * share));
}

function clamp(value, size) {
  return Math.min(Math.max(value, 0), size);
}

// Edges of a cell: 0 top, 1 right, 2 bottom, 3 left. Diagonal corners are joined, as 8 neighbours are.
const LINES = [
  [], [[3, 0]], [[0, 1]], [[3, 1]], [[1, 2]], [[0, 1], [2, 3]], [[0, 2]], [[3, 2]],
  [[2, 3]], [[0, 2]], [[3, 0], [1, 2]], [[1, 2]], [[3, 1]], [[0, 1]], [[3, 0]], [],
];

function cellLines(corners, threshold) {
  const kind = corners.reduce((bits, value, corner) => bits | (value > threshold ? 1 << corner : 0), 0);
  return LINES[kind];
}

function onEdge(edge, corners, threshold) {
  const [from, to] = [corners[edge], corners[(edge + 1) % 4]];
  const part = from === to ? 0.5 : Math.min(Math.max((threshold - from) / (to - from), 0), 1);
  return [[part, 0], [1, part], [1 - part, 1], [0, 1 - part]][edge];
}
