// The points of the map: a hundred thousand, drawn by WebGL, by a plain canvas where there is none. Without a graphics card that takes
// longer than a frame, so a picture of them is drawn wider than the stage, and moved.

/** So much wider, on each side. */
const MARGIN = 160;
/** Milliseconds without a change after which a stretched picture is drawn sharp. */
const REST = 150;

const shaders = {
  vertex: `attribute vec2 place; attribute vec4 colour; uniform vec2 middle; uniform vec2 scale; uniform float size; varying vec4 ink; varying float wide;
    void main() { wide = size; vec2 at = (place - middle) * scale; gl_Position = vec4(at.x, -at.y, 0.0, 1.0); gl_PointSize = size; ink = colour; }`,
  fragment: `precision mediump float; varying vec4 ink; varying float wide;
    void main() { float off = length(gl_PointCoord - 0.5) * wide; float cover = clamp(wide * 0.5 - off, 0.0, 1.0) * ink.a; gl_FragColor = vec4(ink.rgb * cover, cover); }`,
};

/** By WebGL; null where there is none. */
const byGraphics = (below, view) => {
  const gl = below.getContext("webgl", { antialias: false, premultipliedAlpha: true, alpha: true });
  if (!gl) return null;
  const program = gl.createProgram();
  for (const [kind, text] of [[gl.VERTEX_SHADER, shaders.vertex], [gl.FRAGMENT_SHADER, shaders.fragment]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, text);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) return null;
  gl.useProgram(program);
  gl.enable(gl.BLEND);
  gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  const uniform = (name) => gl.getUniformLocation(program, name);
  const [middle, scale, spot] = ["middle", "scale", "size"].map(uniform);
  const attribute = (name, count, kind, bytes) => {
    const at = gl.getAttribLocation(program, name);
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, bytes, gl.STATIC_DRAW);
    gl.enableVertexAttribArray(at);
    gl.vertexAttribPointer(at, count, kind, true, 0, 0);
  };
  return {
    place: (places) => attribute("place", 2, gl.UNSIGNED_SHORT, places),
    colour: (colours) => attribute("colour", 4, gl.UNSIGNED_BYTE, colours),
    draw: (size, radius) => {
      gl.viewport(0, 0, below.width, below.height);
      gl.clearColor(0, 0, 0, 0);
      gl.clear(gl.COLOR_BUFFER_BIT);
      gl.uniform2f(middle, view.x, view.y);
      gl.uniform2f(scale, (2 * view.scale) / (view.width + 2 * MARGIN), (2 * view.scale) / (view.height + 2 * MARGIN));
      gl.uniform1f(spot, radius * 2 * view.ratio);
      gl.drawArrays(gl.POINTS, 0, size);
    },
  };
};

/** By a pen. */
const byCanvas = (below, view) => {
  const pen = below.getContext("2d");
  let [inks, spots] = [null, null];
  return {
    place: (places) => {
      spots = places;
    },
    colour: (colours) => {
      inks = colours;
    },
    draw: (size, radius) => {
      const { width, height, ratio } = view;
      pen.setTransform(ratio, 0, 0, ratio, MARGIN * ratio, MARGIN * ratio);
      pen.clearRect(-MARGIN, -MARGIN, width + 2 * MARGIN, height + 2 * MARGIN);
      const spot = Math.max(radius * 1.8, 1.5);
      const [left, top, right, bottom] = [-MARGIN - spot, -MARGIN - spot, width + MARGIN + spot, height + MARGIN + spot];
      let last = null;
      for (let at = 0; at < size; at += 1) {
        const [x, y] = view.onScreen(spots[at * 2], spots[at * 2 + 1]);
        if (x < left || y < top || x > right || y > bottom) continue;
        const ink = `rgb(${inks[at * 4]} ${inks[at * 4 + 1]} ${inks[at * 4 + 2]} / ${inks[at * 4 + 3] / 255})`;
        if (ink !== last) pen.fillStyle = ink;
        last = ink;
        pen.fillRect(x - spot / 2, y - spot / 2, spot, spot);
      }
    },
  };
};

export class Points {
  #size = 0;
  #view;
  #canvas;
  #pen;
  /** The view that the picture is of; none where points are others now. */
  #drawn = null;
  #settles;

  constructor(canvas, view) {
    this.#view = view;
    this.#pen = byGraphics(canvas, view);
    if (!this.#pen) {
      // A canvas that was begun with one pen takes no other.
      const fresh = canvas.cloneNode();
      canvas.replaceWith(fresh);
      canvas = fresh;
      this.#pen = byCanvas(canvas, view);
    }
    this.#canvas = canvas;
    const long = `calc(100% + ${2 * MARGIN}px)`;
    Object.assign(canvas.style, { inset: `-${MARGIN}px`, width: long, height: long });
    this.resize();
  }

  /** As wide as a fifth of the paper under ink allows, a little wider nearby. */
  get radius() {
    const { scale, fitting } = this.#view;
    const near = Math.max(scale / fitting, 1) ** 0.4;
    return Math.min(Math.max(Math.sqrt((fitting ** 2 * 0.12) / Math.max(this.#size, 1) / Math.PI), 1.15), 5) * near;
  }

  /** Two numbers a point, from 0 to 65535. */
  place(places) {
    this.#size = places.length / 2;
    this.#pen.place(places);
    this.#drawn = null;
  }

  /** Four bytes a point. */
  colour(colours) {
    this.#pen.colour(colours);
    this.#drawn = null;
  }

  resize() {
    const { width, height, ratio } = this.#view;
    this.#canvas.width = Math.round((width + 2 * MARGIN) * ratio);
    this.#canvas.height = Math.round((height + 2 * MARGIN) * ratio);
    this.#drawn = null;
  }

  /** As long as the picture covers the stage it slides and stretches. `again` is called when it has come to rest stretched. */
  draw(again) {
    clearTimeout(this.#settles);
    const [view, drawn] = [this.#view, this.#drawn];
    const by = drawn ? view.scale / drawn.scale : 0;
    const whole = (side) => Math.round(side * view.ratio) / view.ratio;
    const slide = drawn && [drawn.x - view.x, drawn.y - view.y].map((away) => whole(away * view.scale));
    const covers = (side, away) => (side / 2 + MARGIN) * by - Math.abs(away) >= side / 2;
    if (by > 0 && by < 2 && covers(view.width, slide[0]) && covers(view.height, slide[1])) {
      this.#canvas.style.transform = `translate(${slide[0]}px, ${slide[1]}px) scale(${by})`;
      if (by === 1) return;
      this.#settles = setTimeout(() => {
        this.#drawn = null;
        again();
      }, REST);
      return;
    }
    this.#pen.draw(this.#size, this.radius);
    this.#drawn = { scale: view.scale, x: view.x, y: view.y };
    this.#canvas.style.transform = "none";
  }
}
