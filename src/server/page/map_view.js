// Which part of the map is seen. The service counts places from 0 to 65535 in each direction; on the map they are 0 to 1, and on the
// screen CSS pixels from the stage's corner.

const NEAREST = 0.6;
const DEEPEST = 400;
const SIDE = 65535;

const between = (value, least, most) => Math.min(Math.max(value, least), most);

export class View {
  /** Pixels that a side of the map is long. */
  scale = 600;
  /** What is in the middle of the stage. */
  x = 0.5;
  y = 0.5;
  /** Of the stage. */
  width = 0;
  height = 0;

  /** Pixels of the device a CSS pixel. */
  get ratio() {
    return Math.min(window.devicePixelRatio || 1, 2);
  }
  /** The scale at which the whole map is seen. */
  get fitting() {
    return Math.max(Math.min(this.width, this.height) * 0.92, 100);
  }
  get isWhole() {
    return Math.abs(this.scale - this.fitting) < 1;
  }
  /** Of a place as the service counts. */
  onScreen(x, y) {
    return [(x / SIDE - this.x) * this.scale + this.width / 2, (y / SIDE - this.y) * this.scale + this.height / 2];
  }
  onMap(x, y) {
    return [(x - this.width / 2) / this.scale + this.x, (y - this.height / 2) / this.scale + this.y];
  }

  /** What is at this point of the stage stays there. */
  zoom(by, x = this.width / 2, y = this.height / 2) {
    const before = this.onMap(x, y);
    this.scale *= by;
    this.#bound();
    const after = this.onMap(x, y);
    this.x += before[0] - after[0];
    this.y += before[1] - after[1];
    this.#bound();
  }
  /** By pixels. */
  move(x, y) {
    this.x -= x / this.scale;
    this.y -= y / this.scale;
    this.#bound();
  }
  showAll() {
    Object.assign(this, { scale: this.fitting, x: 0.5, y: 0.5 });
  }
  /** Puts a place into the middle, so many times nearer than all at least. */
  centre(x, y, nearer) {
    Object.assign(this, { x: x / SIDE, y: y / SIDE, scale: Math.max(this.scale, this.fitting * nearer) });
    this.#bound();
  }
  #bound() {
    this.scale = between(this.scale, this.fitting * NEAREST, this.fitting * DEEPEST);
    this.x = between(this.x, -0.1, 1.1);
    this.y = between(this.y, -0.1, 1.1);
  }
}
