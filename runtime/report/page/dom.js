"use strict";
// Elements. Whatever stages, logs and files are called reaches the page as text or as an attribute's
// value; nothing here or elsewhere makes markup of a string.

const SVG_NAMESPACE = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== undefined && value !== null) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== undefined && child !== null && child !== false));
  return node;
}

/** An HTML element. "onclick" and the like are listeners; a string among the children is text. */
function el(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function svg(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG_NAMESPACE, tag), attributes, children);
}

// Controls and what turns the direction of writing could make a text look like another one.
const INVISIBLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]/g;

/** A text from outside as it may be shown. */
function visible(text) {
  return String(text).replace(INVISIBLE, (c) =>
    c < " " ? String.fromCharCode(0x2400 + c.charCodeAt(0)) : "\ufffd");
}

/** The same, with the middle left out when it is longer than `most` characters. */
function shortened(text, most) {
  const shown = visible(text);
  if (shown.length <= most) return shown;
  const tail = Math.floor(most / 3);
  return shown.slice(0, most - tail - 1) + "\u2026" + shown.slice(shown.length - tail);
}

/** A word for a POSIX shell. */
function shellWord(text) {
  return /^[\w@%+=:,.\/-]+$/.test(text) ? text : "'" + text.replace(/'/g, "'\\''") + "'";
}
