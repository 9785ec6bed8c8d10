// Inputs worth keeping: valid ones to begin with, and those that once found a mistake, each with its
// story. A file a decoder (corpus/NAME.txt):
//
//   # words about the next input
//   = name
//   0100ff…               a frame, as hexadecimal digits, spaces allowed; or
//   "text\n"              a line of text, as JSON
//
// An input is the lines up to the next `=`. Small, and readable in a difference.
import { existsSync, readFileSync } from 'node:fs';

export interface Input<T> {
  readonly name: string;
  readonly frames: readonly T[];
}

function read<T>(target: string, parse: (line: string) => T): Input<T>[] {
  const url = new URL(`corpus/${target}.txt`, import.meta.url);
  if (!existsSync(url)) return [];
  const inputs: { name: string; frames: T[] }[] = [];
  for (const [index, line] of readFileSync(url, 'utf8').split('\n').entries()) {
    if (line === '' || line.startsWith('#')) continue;
    if (line.startsWith('= ')) inputs.push({ name: line.slice(2), frames: [] });
    else if (inputs.length === 0) throw new Error(`corpus/${target}.txt:${index + 1}: expected "= name" first, was ${line}`);
    else inputs[inputs.length - 1].frames.push(parse(line));
  }
  return inputs;
}

/** Frames of bytes; none where there is no file. */
export function byteCorpus(target: string): Input<Uint8Array>[] {
  return read(target, (line) => {
    if (!/^[0-9a-f ]*$/.test(line)) throw new Error(`corpus/${target}.txt: expected hexadecimal digits, was ${line}`);
    return Uint8Array.from(Buffer.from(line.replaceAll(' ', ''), 'hex'));
  });
}

/** Lines of text. */
export function lineCorpus(target: string): Input<string>[] {
  return read(target, (line) => {
    const text: unknown = JSON.parse(line);
    if (typeof text !== 'string') throw new Error(`corpus/${target}.txt: expected a text, was ${line}`);
    return text;
  });
}
