// Which points are where: sorted by cell, so that the one under a pointer is found among few.

const CELLS = 256;
const SIDE = 65535;

export class Places {
  /** Of points at `x` and `y`, from 0 to 65535. */
  constructor(x, y) {
    const size = x.length;
    const cell = (at) => (y[at] >> 8) * CELLS + (x[at] >> 8);
    const starts = new Uint32Array(CELLS * CELLS + 1);
    for (let at = 0; at < size; at += 1) starts[cell(at) + 1] += 1;
    for (let at = 0; at < CELLS * CELLS; at += 1) starts[at + 1] += starts[at];
    const next = starts.slice();
    const order = new Uint32Array(size);
    for (let at = 0; at < size; at += 1) order[next[cell(at)]++] = at;
    Object.assign(this, { x, y, starts, order });
  }

  /** Visits the points of a part of the map, and some beside it. */
  within(left, top, right, bottom, visit) {
    const [column, row, lastColumn, lastRow] = [left, top, right, bottom].map((value) =>
      Math.min(Math.max(Math.floor(value * CELLS), 0), CELLS - 1));
    for (let y = row; y <= lastRow; y += 1) {
      const [first, past] = [this.starts[y * CELLS + column], this.starts[y * CELLS + lastColumn + 1]];
      for (let at = first; at < past; at += 1) visit(this.order[at]);
    }
  }

  /** The points within a polygon. */
  around(corners) {
    const ends = (axis) => corners.map((corner) => corner[axis]);
    const inside = (x, y) => {
      let is = false;
      for (let one = 0, two = corners.length - 1; one < corners.length; two = one, one += 1) {
        const [[ax, ay], [bx, by]] = [corners[one], corners[two]];
        if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) is = !is;
      }
      return is;
    };
    const found = [];
    this.within(Math.min(...ends(0)), Math.min(...ends(1)), Math.max(...ends(0)), Math.max(...ends(1)), (at) => {
      if (inside(this.x[at] / SIDE, this.y[at] / SIDE)) found.push(at);
    });
    return found;
  }
}
