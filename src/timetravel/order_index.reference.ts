// The slow twin of OrderIndex: a map of lists.
export class OrderIndexReference {
  readonly #events = new Map<string, number[]>();

  get orders(): number {
    return this.#events.size;
  }

  touch(client: number, low: number, high: number, event: number): void {
    const name = `${client}.${high}.${low}`;
    const events = this.#events.get(name);
    if (events === undefined) this.#events.set(name, [event]);
    else events.push(event);
  }

  eventsOf(client: number, low: number, high: number): number[] {
    return this.#events.get(`${client}.${high}.${low}`) ?? [];
  }

  clientsOf(low: number, high: number): number[] {
    const names = [...this.#events.keys()].filter((name) => name.endsWith(`.${high}.${low}`));
    return names.map((name) => Number(name.split('.')[0])).toSorted((a, b) => a - b);
  }
}
