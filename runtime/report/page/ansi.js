// What a terminal would show of a line: colours as classes (ECMA-48, SGR), everything else that
// drives a terminal left out, and of a line that was written over only what stood there last.

// CSI sequences, OSC and other strings up to their end, other escapes.
const ESCAPES = /\x1b(?:\[([0-?]*)[ -\/]*([@-~])|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -\/]*[0-~])/g;

function lastWritten(text) {
  if (!text.includes("\r")) return text;
  const parts = text.split("\r");
  return parts.findLast((part) => part !== "") || "";
}

function applySgr(parameters, style) {
  const codes = parameters === "" ? [0] : parameters.split(/[;:]/).map(Number);
  for (let i = 0; i < codes.length; ++i) {
    const code = codes[i];
    if (code === 0) style = {};
    else if (code === 1) style = {...style, bold: true};
    else if (code === 2) style = {...style, dim: true};
    else if (code === 3) style = {...style, italic: true};
    else if (code === 4) style = {...style, underline: true};
    else if (code === 22) style = {...style, bold: false, dim: false};
    else if (code === 23) style = {...style, italic: false};
    else if (code === 24) style = {...style, underline: false};
    else if (code >= 30 && code <= 37) style = {...style, colour: code - 30};
    else if (code >= 90 && code <= 97) style = {...style, colour: code - 90};
    else if (code === 39) style = {...style, colour: undefined};
    else if (code === 38 || code === 48) {
      // Of 256 colours the first 16 have a name here; others stay as the text is.
      const named = code === 38 && codes[i + 1] === 5 && codes[i + 2] < 16;
      if (named) style = {...style, colour: codes[i + 2] % 8};
      i += codes[i + 1] === 5 ? 2 : codes[i + 1] === 2 ? 4 : 0;
    }
  }
  return style;
}

function classesOf(style) {
  const names = ["bold", "dim", "italic", "underline"].filter((name) => style[name]).map((name) => "ansi-" + name);
  if (style.colour !== undefined) names.push("ansi-" + style.colour);
  return names.join(" ");
}

/** The pieces of a line that look alike, its text, and the style in which the next line begins. */
function readAnsi(raw, style) {
  const text = lastWritten(raw);
  const pieces = [];
  const add = (piece) => {
    if (piece !== "") pieces.push({text: visible(piece), classes: classesOf(style)});
  };
  let from = 0;
  if (text.includes("\x1b")) {
    for (const match of text.matchAll(ESCAPES)) {
      add(text.slice(from, match.index));
      from = match.index + match[0].length;
      if (match[2] === "m") style = applySgr(match[1], style);
    }
  }
  add(text.slice(from));
  return {pieces, text: pieces.map((piece) => piece.text).join(""), style};
}
