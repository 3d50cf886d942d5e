#!/usr/bin/env python3
"""extract - requests in the tests of other parsers, as the files beside this have them.

    apt-get source http-parser python-h11 trafficserver      # wants deb-src lines
    tests/edge/corpora/extract.py http-parser-2.9.4 >http-parser.json

The directory's name says which of the three it is.  A request is what begins like one: a method, something else, the end of the line.
"""
import ast, json, pathlib, re, sys

REQUEST = re.compile(r'(\r?\n)*[a-z]?[A-Z][A-Z-]+ \S[^\r\n]*\r?\n')
ESCAPES = {'r': '\r', 'n': '\n', 't': '\t', 'f': '\f', 'b': '\b', 'v': '\v', '0': '\0'}

def first_line(text):
    return text.strip().splitlines()[0]

def of_python(path, kind):
    """Each text or bytes of a module, those that the compiler joins as one."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Constant) and isinstance(node.value, kind):
            yield node.value

def unescape(text):
    return re.sub(r'\\(x[0-9a-fA-F]{1,2}|[0-7]{1,3}|.)', lambda match: (
        chr(int(match[1][1:], 16)) if match[1][0] == 'x' else chr(int(match[1], 8)) if match[1].isdigit() else ESCAPES.get(match[1], match[1])), text)

def of_c(path):
    """Each string of a file, neighbours joined, with the name of the test that it belongs to, if it has one."""
    text = re.sub(r'("(?:[^"\\\n]|\\.)*")|/\*.*?\*/', lambda match: match[1] or ' ', path.read_bytes().decode('latin-1'), flags=re.S)
    name = None
    for chain in re.finditer(r'(\.name\s*=\s*)?("(?:[^"\\\n]|\\.)*"\s*)+', text):
        joined = ''.join(unescape(each) for each in re.findall(r'"((?:[^"\\\n]|\\.)*)"', chain[0]))
        if chain[1]:
            name = joined
        else:
            yield name, joined
            name = None

def http_parser(source):
    for name, raw in of_c(source / 'test.c'):
        if REQUEST.match(raw) and not raw.startswith('HTTP') and not re.search('%[a-z]', raw):
            yield name or first_line(raw), raw

def h11(source):
    for name in ('test_io.py', 'test_connection.py'):
        for each in of_python(source / 'h11/tests' / name, bytes):
            raw = each.decode('latin-1')
            if REQUEST.match(raw) and not raw.startswith('HTTP'):
                yield f'{name}: {first_line(raw)}', raw

def trafficserver(source):
    tests = source / 'tests/gold_tests'
    for text in of_python(tests / 'headers/good_request_after_bad.test.py', str):
        for raw in re.findall(r'printf "([^"]*)"', text):
            yield f'headers/good_request_after_bad.test.py: {first_line(raw)}', raw
    for _, raw in of_c(tests / 'chunked_encoding/smuggle-client.c'):
        if REQUEST.match(raw):
            yield 'chunked_encoding/smuggle-client.c', raw

if len(sys.argv) != 2 or sys.argv[1] in ('-h', '--help'):
    sys.exit(__doc__)
directory = pathlib.Path(sys.argv[1])
kinds = {'http-parser': http_parser, 'h11': h11, 'trafficserver': trafficserver}
extract = next(kinds[kind] for kind in kinds if kind in directory.resolve().name)
cases = {raw: name for name, raw in reversed(list(extract(directory)))}
print('[\n' + ',\n'.join(json.dumps({'name': name, 'raw': raw}) for raw, name in reversed(cases.items())) + '\n]')
