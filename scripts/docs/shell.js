// Reads the commands out of a shell block. Knows quotes, comments, continued lines, here-documents and the joints between commands.

/** The words of one line, split into commands at | & ; && ||. */
function splitLine(line) {
  const commands = [[]];
  const token = /\s+|#.*|(\|\||&&|[|;&])|((?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|\d?[<>]+&?\d?|[^\s'"|;&\\])+)/y;
  token.lastIndex = 0;
  for (let match = token.exec(line); match !== null; match = token.exec(line)) {
    if (match[1] !== undefined) commands.push([]);
    else if (match[2] !== undefined) commands.at(-1).push(match[2].replace(/^(['"])(.*)\1$/s, '$2'));
  }
  return commands;
}

/** The lines of a block that are commands, continued lines joined, bodies of here-documents left out. */
function commandLines({ language, code }) {
  const lines = code.replace(/\\\n\s*/g, ' ').split('\n');
  const found = [];
  let until;
  for (const line of lines) {
    if (until !== undefined) {
      if (line.trim() === until) until = undefined;
      continue;
    }
    until = /<<-?\s*['"]?(\w+)/.exec(line)?.[1];
    if (language === 'console') {
      if (line.startsWith('$ ')) found.push(line.slice(2));
    } else found.push(line.replace(/^\$ /, ''));
  }
  return found;
}

/** Every command of a shell block as its words, without the variables set before it. */
export function readCommands(block) {
  return commandLines(block)
    .flatMap(splitLine)
    .map((command) => command.slice(command.findIndex((word) => !/^[A-Za-z_]\w*=/.test(word))))
    .filter((command) => command.length > 0 && command[0] !== '');
}
