"""The arc-standard system's inner loops, compiled: many states at once, a row each.

What a row holds is said in `gradus.sequence.parsing.transitions`. The kernels are marked
no_type_check so that the tests' type checker leaves them to numba.
"""

from typing import no_type_check

import numba

STACK, HEAD, LABEL, LEFT_1, LEFT_2, RIGHT_1, RIGHT_2 = range(7)
"""The columns of `links`: the stack; of each word its head, label, outermost children and next."""
DEPTH, NEXT, WORDS = range(3)
"""The columns of `sizes`: words on the stack, the buffer's first word, words of the sentence."""
PLACES, SEEN_LABELS = 18, 12
"""Words that a state is described by, and how many of them have their label told as well."""

kernel = numba.njit(nogil=True, cache=True, error_model="numpy")


@kernel
@no_type_check
def advance(links, sizes, actions, labels):
    """Take an action in each state, in place; −1 leaves a state as it is.

    Returns the first row whose action is not allowed (nothing is done from there on), or −1.
    """
    for k in range(len(actions)):
        action, link, size = actions[k], links[k], sizes[k]
        depth = size[DEPTH]
        if action == -1:
            continue
        if action == 0:
            if size[NEXT] > size[WORDS]:
                return k
            link[STACK, depth] = size[NEXT]
            size[DEPTH] += 1
            size[NEXT] += 1
            continue
        if depth < 2 or action > 2 * labels or action < 0:
            return k
        left, right = link[STACK, depth - 2], link[STACK, depth - 1]
        size[DEPTH] -= 1
        if action <= labels:
            link[HEAD, left], link[LABEL, left] = right, action
            link[LEFT_2, right], link[LEFT_1, right] = link[LEFT_1, right], left
            link[STACK, depth - 2] = right
        else:
            link[HEAD, right], link[LABEL, right] = left, action - labels
            link[RIGHT_2, left], link[RIGHT_1, left] = link[RIGHT_1, left], right
    return -1


@kernel
@no_type_check
def describe(links, sizes, places, seen):
    """Write each state's 18 words (0: none) and the labels of the last 12 of them.

    The words, after Chen and Manning 2014, section 3.1: three of the stack from its top, three of
    the buffer; of each of the stack's two uppermost the outermost children left and right, the next
    ones left and right, the outermost left one's own outermost left one, and so to the right.
    """
    for k in range(len(places)):
        link, size = links[k], sizes[k]
        depth, front = size[DEPTH], size[NEXT]
        for i in range(3):
            places[k, i] = link[STACK, depth - 1 - i] if depth > i else 0
            places[k, 3 + i] = front + i if front + i <= size[WORDS] else 0
        for i in range(2):
            top, at = places[k, i], 6 + 6 * i
            places[k, at] = link[LEFT_1, top]
            places[k, at + 1] = link[RIGHT_1, top]
            places[k, at + 2] = link[LEFT_2, top]
            places[k, at + 3] = link[RIGHT_2, top]
            places[k, at + 4] = link[LEFT_1, link[LEFT_1, top]]
            places[k, at + 5] = link[RIGHT_1, link[RIGHT_1, top]]
        for i in range(SEEN_LABELS):
            seen[k, i] = link[LABEL, places[k, 6 + i]]


@kernel
@no_type_check
def follow(heads, labels, number, waiting, stack, actions):
    """Write the actions that build a tree; False where there are none, as its arcs cross.

    `heads` and `labels` have an entry for each word from 1 on, `waiting` and `stack` are room to
    work in, `number` is how many labels there are.
    """
    words = len(heads) - 1
    waiting[:] = 0
    for word in range(1, words + 1):
        waiting[heads[word]] += 1
    depth = min(words, 2)
    for i in range(depth):
        stack[i] = i + 1
    front = depth + 1
    for step in range(len(actions)):
        left, right = stack[depth - 2], stack[depth - 1]
        if depth >= 2 and heads[left] == right:
            actions[step] = labels[left]
            waiting[right] -= 1
            stack[depth - 2] = right
            depth -= 1
        elif depth >= 2 and heads[right] == left and waiting[right] == 0:
            actions[step] = number + labels[right]
            waiting[left] -= 1
            depth -= 1
        elif front <= words:
            actions[step] = 0
            stack[depth] = front
            front += 1
            depth += 1
        else:
            return False
    return True
