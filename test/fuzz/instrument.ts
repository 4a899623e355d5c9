import { basename } from "node:path";
import ts from "typescript";

/**
 * Puts counters into TypeScript: one for each function, branch, loop body, case and operand that may be left out. The
 * text between stays as it is, so that lines keep their numbers.
 *
 * Branches count into places of their own, `$c[place]`; functions and loops count as work, too, `$c[0]`, since
 * between two of them a program runs straight on. What native code walks through in the place of a loop is given to
 * `$l`, which counts its length. So the cost of an input is a number that is the same on every machine.
 */

export interface Instrumented {
  readonly code: string;
  /** Where the branch of each of its places stands: `dot.ts:120`. */
  readonly branches: readonly string[];
}

/**
 * @param from the place of its first counter
 * @returns TypeScript that wants `$c` and `$l`, the `counts` and `long` of `counts.ts`
 */
export function instrument(source: string, name: string, from: number): Instrumented {
  const file = ts.createSourceFile(name, source, ts.ScriptTarget.ES2022, true, ts.ScriptKind.TS);
  const branches: string[] = [];
  let line = 0;
  const branch = (): string => {
    branches.push(`${basename(name)}:${line}`);
    return `$c[${from + branches.length - 1}]++`;
  };
  const step = (): string => `$c[0]++,${branch()}`;

  /** The text of a node with counters in it. */
  const write = (node: ts.Node): string => {
    line = file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1;
    if (ts.isTypeNode(node) || ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node))
      return node.getText(file);
    if (ts.isFunctionLike(node)) {
      const { body } = node as ts.FunctionLikeDeclaration;
      return inside(node, (child) => (child === body ? functionBody(body) : write(child)));
    }
    if (ts.isIfStatement(node)) {
      const text = inside(node, (child) =>
        child === node.thenStatement || child === node.elseStatement
          ? statement(child as ts.Statement, branch())
          : write(child),
      );
      return node.elseStatement === undefined ? `${text} else { ${branch()}; }` : text;
    }
    if (ts.isIterationStatement(node, false)) {
      return inside(node, (child) =>
        child === node.statement ? statement(node.statement, step()) : write(child),
      );
    }
    if (ts.isCaseOrDefaultClause(node)) {
      const colon = node.statements.length > 0 ? node.statements[0].getStart(file) : node.getEnd();
      const head = source.slice(node.getStart(file), node.statements.pos);
      const body = source.slice(node.statements.pos, colon);
      const label = ts.isCaseClause(node)
        ? `case ${write(node.expression)}${source.slice(node.expression.getEnd(), node.statements.pos)}`
        : head;
      return `${label} ${branch()};${body}${statements(node.statements)}`;
    }
    if (ts.isConditionalExpression(node)) {
      return inside(node, (child) =>
        child === node.whenTrue || child === node.whenFalse ? operand(child) : write(child),
      );
    }
    if (ts.isBinaryExpression(node) && mayBeLeftOut.has(node.operatorToken.kind)) {
      return inside(node, (child) => (child === node.right ? operand(child) : write(child)));
    }
    if (ts.isSpreadElement(node)) return `...$l(${write(node.expression)})`;
    if (ts.isCallExpression(node)) return call(node);
    if (ts.isNewExpression(node)) {
      return inside(node, (child) => (node.arguments?.[0] === child ? `$l(${write(child)})` : write(child)));
    }
    return inside(node, write);
  };

  /** The text of a node, its children written by a function of the caller's. */
  const inside = (node: ts.Node, child: (child: ts.Node) => string): string => {
    let text = "";
    let at = node.getStart(file);
    const children: ts.Node[] = [];
    ts.forEachChild(node, (each) => void children.push(each));
    children.sort((a, b) => a.pos - b.pos);
    for (const each of children) {
      const start = each.getStart(file);
      text += source.slice(at, start) + child(each);
      at = each.getEnd();
    }
    return text + source.slice(at, node.getEnd());
  };

  const operand = (node: ts.Node): string => `(${branch()}, ${write(node)})`;

  const statement = (node: ts.Statement, counter: string): string =>
    ts.isBlock(node) ? block(node, counter) : `{ ${counter}; ${write(node)} }`;

  const block = (node: ts.Block, counter: string): string => `{ ${counter}; ${inside(node, write).slice(1)}`;

  const functionBody = (body: ts.Node): string =>
    ts.isBlock(body) ? block(body, step()) : `(${step()}, ${write(body)})`;

  const statements = (list: ts.NodeArray<ts.Statement>): string => {
    let text = "";
    let at = list.length > 0 ? list[0].getStart(file) : list.end;
    for (const each of list) {
      text += source.slice(at, each.getStart(file)) + write(each);
      at = each.getEnd();
    }
    return text;
  };

  /** What walks through its receiver, its first argument or its result is charged for the length of it. */
  const call = (node: ts.CallExpression): string => {
    const { expression } = node;
    if (!ts.isPropertyAccessExpression(expression) || ts.isOptionalChain(expression))
      return inside(node, write);
    const name = expression.name.text;
    // A copy costs what is copied.
    if (name === "slice") return `$l(${inside(node, write)})`;
    const walked = walksReceiver.has(name) && expression.expression.kind !== ts.SyntaxKind.SuperKeyword;
    const first = walksArgument.has(name) ? node.arguments[0] : undefined;
    return inside(node, (child) => {
      if (child === expression && walked)
        return inside(expression, (part) =>
          part === expression.expression ? `$l(${write(part)})` : write(part),
        );
      if (child === first && !ts.isSpreadElement(child)) return `$l(${write(child)})`;
      return write(child);
    });
  };

  return { code: source.slice(0, file.getStart(file)) + inside(file, write), branches };
}

const mayBeLeftOut: ReadonlySet<ts.SyntaxKind> = new Set([
  ts.SyntaxKind.AmpersandAmpersandToken,
  ts.SyntaxKind.BarBarToken,
  ts.SyntaxKind.QuestionQuestionToken,
  ts.SyntaxKind.AmpersandAmpersandEqualsToken,
  ts.SyntaxKind.BarBarEqualsToken,
  ts.SyntaxKind.QuestionQuestionEqualsToken,
]);

const walksReceiver: ReadonlySet<string> = new Set([
  ..."fill includes indexOf lastIndexOf join concat splice unshift split replace replaceAll match matchAll".split(
    " ",
  ),
  ..."trim trimStart trimEnd toUpperCase toLowerCase normalize reverse sort codePoints entries".split(" "),
]);

const walksArgument: ReadonlySet<string> = new Set(["set", "from", "test", "exec", "concat", "fromEntries"]);
