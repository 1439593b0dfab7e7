"""The two machines in NumPy, one equation a line, one sequence at a time: what ours must equal."""

import numpy as np

EPSILON = 1e-6


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softplus(x):
    return np.log1p(np.exp(x))


def softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()


def content(memory, key, strength):
    scores = [
        strength * (m @ key) / np.sqrt((m @ m + EPSILON) * (key @ key + EPSILON)) for m in memory
    ]
    return softmax(np.array(scores))


def write(memory, w, erase, add):
    return memory * (1 - np.outer(w, erase)) + np.outer(w, add)


def numbers(module):
    """A module's parameters as arrays."""
    return {name: p.detach().numpy() for name, p in module.named_parameters()}


class Cut:
    """Takes a vector apart from the left."""

    def __init__(self, vector):
        self.left = vector

    def __call__(self, *shape):
        n = int(np.prod(shape))
        part, self.left = self.left[:n], self.left[n:]
        return part.reshape(shape)


def ntm(model, x):
    """Outputs of an NTM with a feed-forward controller for one sequence "time inputs"."""
    p = numbers(model)
    n, width, reads, writes = model.locations, model.width, model.n_reads, model.n_writes
    heads = reads + writes
    memory = np.full((n, width), 1e-6)
    w = np.zeros((heads, n))
    w[:, 0] = 1
    r = np.zeros((reads, width))
    outputs = []
    for now in x:
        seen = np.concatenate([now, r.ravel()])
        weight = np.hstack([p["controller.weight_x"], p["controller.weight_r"]])
        h = np.tanh(weight @ seen + p["controller.bias"])
        cut = Cut(p["heads.weight"] @ h + p["heads.bias"])
        keys, add, erase = cut(heads, width), cut(writes, width), cut(writes, width)
        strengths, gammas, gates = cut(heads), cut(heads), cut(heads)
        shifts = cut(heads, model.moves)
        half = model.moves // 2
        for i in range(heads):
            c = content(memory, np.tanh(keys[i]), softplus(strengths[i]))
            g, s = sigmoid(gates[i]), softmax(shifts[i])
            gated = g * c + (1 - g) * w[i]
            moved = sum(s[half + d] * np.roll(gated, d) for d in range(-half, half + 1))
            w[i] = moved ** (1 + softplus(gammas[i]))
            w[i] /= w[i].sum()
        for i in range(writes):
            memory = write(memory, w[reads + i], sigmoid(erase[i]), add[i])
        r = w[:reads] @ memory
        outputs.append(p["output.weight"] @ np.concatenate([h, r.ravel()]) + p["output.bias"])
    return np.array(outputs)


def dnc(model, x):
    """Outputs of the paper's DNC with an LSTM for one sequence "time inputs"."""
    p = numbers(model)
    n, width, reads = model.locations, model.width, model.n_reads
    hidden = model.controller.hidden
    memory, links = np.zeros((n, width)), np.zeros((n, n))
    used, precedence, w_w = np.zeros(n), np.zeros(n), np.zeros(n)
    w_r, r = np.zeros((reads, n)), np.zeros((reads, width))
    h, c = np.zeros(hidden), np.zeros(hidden)
    outputs = []
    for now in x:
        seen = np.concatenate([now, h, r.ravel()])
        weight = np.hstack([p["controller.weight_x"], p["controller.weight_hr"]])
        z = (weight @ seen + p["controller.bias"]).reshape(4, hidden)
        c = sigmoid(z[1]) * c + sigmoid(z[0]) * np.tanh(z[3])
        h = sigmoid(z[2]) * np.tanh(c)
        cut = Cut(p["interface.weight"] @ h + p["interface.bias"])
        keys, add = cut(reads + 1, width), cut(width)
        erase, free = sigmoid(cut(width)), sigmoid(cut(reads))
        allocation_gate, write_gate = sigmoid(cut(1)), sigmoid(cut(1))
        strengths = 1 + softplus(cut(reads + 1))
        modes = np.array([softmax(row) for row in cut(reads, 3)])

        retained = np.ones(n)
        for i in range(reads):
            retained *= 1 - free[i] * w_r[i]
        used = (used + w_w - used * w_w) * retained
        moved, allocated, product = used * (1 - EPSILON) + EPSILON, np.zeros(n), 1.0
        for place in np.argsort(moved, kind="stable"):
            allocated[place] = (1 - moved[place]) * product
            product *= moved[place]
        looked = content(memory, keys[-1], strengths[-1])
        w_w = write_gate * (allocation_gate * allocated + (1 - allocation_gate) * looked)
        memory = write(memory, w_w, erase, add)
        new = np.zeros((n, n))
        for i in range(n):
            for j in range(n):
                if i != j:
                    new[i, j] = (1 - w_w[i] - w_w[j]) * links[i, j] + w_w[i] * precedence[j]
        links = new
        precedence = (1 - w_w.sum()) * precedence + w_w
        before = w_r.copy()
        for i in range(reads):
            options = (
                links.T @ before[i],
                content(memory, keys[i], strengths[i]),
                links @ before[i],
            )
            w_r[i] = sum(m * option for m, option in zip(modes[i], options, strict=True))
        r = w_r @ memory
        outputs.append(p["output.weight"] @ np.concatenate([h, r.ravel()]) + p["output.bias"])
    return np.array(outputs)
