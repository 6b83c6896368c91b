// From a smoothed score map to regions and a verdict: the rule of inspector/postprocess.py, in the browser.
// tests/browser holds both against each other.

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]; // "\x93NUMPY"

/** Read a float32 (rows, columns) NumPy file: {height, width, values}. */
export function parseNpy(buffer) {
  const bytes = new Uint8Array(buffer);
  if (!MAGIC.every((byte, i) => bytes[i] === byte)) throw new Error("the score map is not a NumPy file");
  const start = 10 + new DataView(buffer).getUint16(8, true);
  const header = new TextDecoder("latin1").decode(bytes.subarray(10, start));
  const shape = /'shape': \((\d+), (\d+)\)/.exec(header);
  if (!shape || !header.includes("'<f4'")) throw new Error("the score map is not float32 rows and columns");
  const [height, width] = [Number(shape[1]), Number(shape[2])];
  return { height, width, values: new Float32Array(buffer.slice(start), 0, height * width) };
}

/**
 * FAIL exactly when a connected region strictly above `fail` has at least `minAreaPx` pixels; else REVIEW when one
 * above `review` does; else PASS. Regions come with the highest peak first; `labels` holds 1 + index into them.
 */
export function judge(map, { fail, review, minAreaPx }) {
  const imageScore = map.values.reduce((peak, value) => Math.max(peak, value), 0);
  for (const [verdict, threshold] of [["FAIL", fail], ["REVIEW", review]]) {
    const found = regionsAbove(map, threshold, minAreaPx);
    if (found.regions.length > 0) return { verdict, threshold: Math.fround(threshold), imageScore, ...found };
  }
  return { verdict: "PASS", threshold: review, imageScore, regions: [], labels: new Int32Array(map.values.length) };
}

/** Connected regions (8 neighbours) strictly above `threshold` with at least `minAreaPx` pixels. */
export function regionsAbove(map, threshold, minAreaPx) {
  const limit = Math.fround(threshold); // the server compares in float32 too
  const seen = new Uint8Array(map.values.length);
  const regions = [];
  for (let start = 0; start < map.values.length; start++) {
    if (seen[start] || !(map.values[start] > limit)) continue;
    const pixels = flood(map, limit, start, seen);
    if (pixels.length >= minAreaPx) regions.push(describe(map, pixels));
  }
  regions.sort((a, b) => b.peakScore - a.peakScore);
  const labels = new Int32Array(map.values.length);
  regions.forEach((region, index) => region.pixels.forEach((pixel) => { labels[pixel] = index + 1; }));
  return { regions, labels };
}

function flood({ width, height, values }, limit, start, seen) {
  const pixels = [start];
  seen[start] = 1;
  for (let next = 0; next < pixels.length; next++) {
    const x = pixels[next] % width;
    const y = (pixels[next] - x) / width;
    for (let ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny++) {
      for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx++) {
        const neighbour = ny * width + nx;
        if (seen[neighbour] || !(values[neighbour] > limit)) continue;
        seen[neighbour] = 1;
        pixels.push(neighbour);
      }
    }
  }
  return pixels;
}

function describe({ width, values }, pixels) {
  let [left, right, top, bottom, sum, peakScore] = [Infinity, -1, Infinity, -1, 0, 0];
  for (const pixel of pixels) {
    const x = pixel % width;
    const y = (pixel - x) / width;
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
    sum += values[pixel];
    peakScore = Math.max(peakScore, values[pixel]);
  }
  return {
    pixels, x: left, y: top, width: right - left + 1, height: bottom - top + 1,
    areaPx: pixels.length, meanScore: sum / pixels.length, peakScore,
  };
}
