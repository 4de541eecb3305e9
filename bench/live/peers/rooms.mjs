// Who listens to which Redis channel: one subscription of this process for all of them, and a queue for each listener.
const REMEMBERED = 10_000;

export class Rooms {
  #redis;
  #load;
  #rooms = new Map();
  #positions = new Map();

  constructor(redis, load) {
    this.#redis = redis;
    this.#load = load;
  }

  // An async iterable of the messages, loaded once for all who listen.
  enter(channel) {
    const listener = new Listener(() => this.#leave(channel, listener));
    const room = this.#rooms.get(channel);
    if (room) room.add(listener);
    else {
      this.#rooms.set(channel, new Set([listener]));
      this.#redis.subscribe(channel, (data) => this.#tell(channel, JSON.parse(data)));
    }
    return listener;
  }

  positionOf(commentId) {
    return this.#positions.get(commentId);
  }

  async #tell(channel, message) {
    if (!message.body.payload.comment_id) return;
    const loaded = await this.#load(message);
    this.#positions.set(loaded.row.id, message.position);
    if (this.#positions.size > REMEMBERED) this.#positions.delete(this.#positions.keys().next().value);
    for (const listener of this.#rooms.get(channel) ?? []) listener.push(loaded);
  }

  #leave(channel, listener) {
    const room = this.#rooms.get(channel);
    if (room?.delete(listener) && room.size === 0) {
      this.#rooms.delete(channel);
      this.#redis.unsubscribe(channel);
    }
  }
}

class Listener {
  #waiting = [];
  #wake = null;
  #ended = false;
  #left;

  constructor(left) {
    this.#left = left;
  }

  push(value) {
    if (this.#wake) {
      this.#wake({ value, done: false });
      this.#wake = null;
    } else this.#waiting.push(value);
  }

  next() {
    if (this.#ended) return Promise.resolve({ value: undefined, done: true });
    if (this.#waiting.length) return Promise.resolve({ value: this.#waiting.shift(), done: false });
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  return() {
    this.#ended = true;
    this.#wake?.({ value: undefined, done: true });
    this.#left();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator]() {
    return this;
  }
}
