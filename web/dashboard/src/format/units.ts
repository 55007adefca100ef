// Amounts as people read them.

const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** Bytes in binary units, with three significant digits at most: `7.45 GiB`. */
export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 1023.5 && unit < BINARY.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${trimZeros(value.toFixed(digits))} ${BINARY[unit]}`;
}

/** Thousandths of a core: `1.5 CPU`. */
export function cpus(millis: number): string {
  return `${trimZeros((millis / 1000).toFixed(3))} CPU`;
}

/** A share in whole percents, so that its width changes little: `7 %`; what is hardly anything is `<1 %`. */
export function share(percent: number): string {
  return percent > 0 && percent < 0.5 ? '<1 %' : `${Math.round(percent)} %`;
}

/** A count with its noun: `1 worker`, `3 workers`. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString('en')} ${number === 1 ? one : many}`;
}

function trimZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}
