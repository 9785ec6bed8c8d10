// Runs the benchmark small, so that it never rots; its figures say nothing at this size.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseNetwork } from './choose_network.ts';
import { benchNetwork } from './net.bench.ts';

const { network } = chooseNetwork();
const kinds = new Set([network.kind, 'node']);
network.close();

for (const kind of kinds) {
  test(`the benchmark runs over ${kind}`, async () => {
    const figures = await benchNetwork(kind, 50, 5000);
    assert.ok(figures.roundTripP50Ns > 0 && figures.roundTripP99Ns >= figures.roundTripP50Ns);
    assert.ok(figures.messagesPerSecond > 0);
  });
}
