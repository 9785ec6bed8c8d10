// Stands for node:fs in a page: readers of recordings that were given their bytes never ask for a file.
function none(): never {
  throw new Error('a page has no files: expected the content of a recording');
}

export const openSync: () => never = none;
export const readSync: () => never = none;
export const closeSync: () => never = none;
