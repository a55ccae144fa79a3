// A mistyped word in, the known word that was most likely meant out.

/** The known word that is most like the given one, when one is like it at all. Case, `_` and `-` make no difference. */
export function nearestWord(word: string, known: Iterable<string>): string | undefined {
  const given = fold(word).slice(0, 64);
  let nearest: string | undefined;
  let least = Infinity;
  for (const candidate of known) {
    const wanted = fold(candidate);
    const distance = given === wanted ? 0 : editDistance(given, wanted);
    if (distance < least && distance <= Math.max(1, Math.floor(wanted.length / 3)) && distance < wanted.length) {
      [nearest, least] = [candidate, distance];
    }
  }
  return nearest;
}

function fold(word: string): string {
  return word.toLowerCase().replace(/[_-]/g, '');
}

/** How many letters to add, drop, change or swap with their neighbour. */
function editDistance(from: string, to: string): number {
  let beforeLast: readonly number[] = [];
  let last: readonly number[] = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const change = (last[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      const swap = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1] ? (beforeLast[j - 2] ?? 0) + 1 : Infinity;
      row.push(Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, change, swap));
    }
    [beforeLast, last] = [last, row];
  }
  return last[to.length] ?? 0;
}
