import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommandError, commandRequest, commandText } from './command_request.ts';

const confirm = true;

test('every command is taken as it is, and said in a few words', () => {
  const said: [unknown, string][] = [
    [{ command: 'kill', confirm }, 'kill all'],
    [{ command: 'reset', client: 0, confirm }, 'reset client 0'],
    [{ command: 'halt', ticker: 4_294_967_294, confirm }, 'halt ticker 4294967294'],
    [{ command: 'open', confirm }, 'open all'],
    [{ command: 'close', ticker: 1, confirm }, 'close ticker 1'],
    [{ command: 'pause', client: 2, confirm }, 'pause client 2'],
    [{ command: 'resume', client: 2, confirm }, 'resume client 2'],
    [{ command: 'stop', client: 2, confirm }, 'stop client 2'],
    [{ command: 'limits', client: 2, maxLoss: 5, maxPosition: 10, confirm }, 'limits client 2, maxLoss 5, maxPosition 10'],
  ];
  for (const [body, text] of said) {
    assert.equal(commandRequest(body), body);
    assert.equal(commandText(commandRequest(body)), text);
  }
});

test('what is none says what was expected and what came', () => {
  const faults: [unknown, RegExp][] = [
    [undefined, /^expected a JSON object with a command$/],
    [null, /^expected a JSON object/],
    [[{ command: 'kill' }], /^expected a JSON object/],
    [{}, /^command: expected one of kill, reset, halt, .*, was nothing$/],
    [{ command: 'constructor', confirm }, /^command: expected one of .*, was "constructor"$/],
    [{ command: ['kill'], confirm }, /^command: expected .*, was \["kill"\]$/],
    [{ command: 'kill' }, /^confirm: expected true, was nothing$/],
    [{ command: 'kill', confirm: 'true' }, /^confirm: expected true, was "true"$/],
    [{ command: 'kill', ticker: 1, confirm }, /^"ticker": kill knows no such field$/],
    [{ command: 'kill', all: true, confirm }, /^"all": kill knows no such field$/],
    [{ command: 'kill', client: '7', confirm }, /^client of kill: expected a whole number 0 to 4294967294, was "7"$/],
    [{ command: 'kill', client: null, confirm }, /^client of kill: .*, was null$/],
    [{ command: 'kill', client: 1.5, confirm }, /^client of kill: .*, was 1\.5$/],
    [{ command: 'kill', client: 4_294_967_295, confirm }, /^client of kill: .*, was 4294967295$/],
    [{ command: 'pause', confirm }, /^client of pause: .*, was nothing$/],
    [{ command: 'limits', client: 2, confirm }, /^limits: expected one of maxPosition, maxOrderQty, maxLoss, was none$/],
    [{ command: 'limits', client: 2, maxLoss: 0, confirm }, /^maxLoss of limits: expected a whole number 1 to \d+, was 0$/],
    [{ command: 'limits', client: 2, maxLoss: 1e300, confirm }, /^maxLoss of limits: /],
  ];
  for (const [body, message] of faults)
    assert.throws(() => commandRequest(body), (error) => error instanceof CommandError && message.test(error.message), JSON.stringify(body));
});
