"""The losses of docs/paper.md ("The losses") in plain PyTorch, as an independent reference.

Written pair by pair, with loops over rows and lists of candidates, so that it shares no masking
trick with the product. network_golden.py uses it.
"""
import torch
import torch.nn.functional as F


def contrast(s, same):
    target = same.to(s.dtype)
    target = target / target.sum(1, keepdim=True)
    pictures = -(F.log_softmax(s, dim=1) * target).sum(1).mean()
    captions = -(F.log_softmax(s.t(), dim=1) * target).sum(1).mean()
    return (pictures + captions) / 2


def negatives(s, same, noise, count, sampler):
    """A list of columns for each row."""
    chosen = []
    for i in range(len(s)):
        allowed = [j for j in range(len(s)) if not same[i, j]]
        if not allowed:
            chosen.append([])
            continue
        inside = s[i, allowed].detach()
        score = {
            "multinomial": F.log_softmax(inside, dim=0) + noise[i, allowed],
            "top": inside,
            "random": noise[i, allowed],
        }[sampler]
        order = torch.sort(score, descending=True, stable=True).indices[:count]
        chosen.append([allowed[o] for o in order.tolist()])
    return chosen


def rows(positive, s, z):
    """(dual, cross) score vectors of each row that has negatives, the positive first."""
    for i, (dual, cross) in enumerate(zip(s, z)):
        if len(dual) > 0:
            yield torch.stack([positive[0][i], *dual]), torch.stack([positive[1][i], *cross])


def match(objective, sides):
    if objective == "both":
        return (match("binary", sides) + match("listwise", sides)) / 2
    if objective == "listwise":
        return torch.stack([-F.log_softmax(z, dim=0)[0] for side in sides for _, z in side["rows"]]).mean()
    positive = sides[0]["positive"][1]
    logits, labels, weights = [*positive], [1.0] * len(positive), [1.0] * len(positive)
    for side in sides:
        for _, z in side["rows"]:
            logits += [*z[1:]]
            labels += [0.0] * (len(z) - 1)
            weights += [1 / (len(z) - 1)] * (len(z) - 1)
    logits, labels, weights = torch.stack(logits), torch.tensor(labels).to(logits[0]), torch.tensor(weights).to(logits[0])
    return (F.binary_cross_entropy_with_logits(logits, labels, reduction="none") * weights).sum() / weights.sum()


def distill_row(c, teacher, student):
    if not c["teacher_gradient"]:
        teacher = teacher.detach()
    teacher = teacher / c["temperature"]
    objective = c["objective"]
    if objective == "listwise":
        return F.kl_div(F.log_softmax(student, 0), F.log_softmax(teacher, 0), reduction="sum", log_target=True)
    if objective == "pointwise":
        t = torch.sigmoid(teacher)
        return -(t * F.logsigmoid(student) + (1 - t) * F.logsigmoid(-student)).mean()
    if objective == "margin":
        return (((student[0] - student[1:]) - (teacher[0] - teacher[1:])) ** 2).mean()
    if objective == "rank":
        order = [0] + sorted(range(1, len(teacher)), key=lambda j: -teacher[j].item())
        ordered = student[order]
        terms = [torch.logsumexp(ordered[j:], 0) - ordered[j] for j in range(len(order) - 1)]
        return torch.stack(terms).mean()
    raise KeyError(objective)


def distill(c, sides):
    if c["objective"] == "none":
        return sides[0]["positive"][0].sum() * 0
    losses = {"cross-to-dual": [], "dual-to-cross": []}
    for side in sides:
        for s, z in side["rows"]:
            if c["objective"] == "pointwise":
                s = s * c["scale"] + c["bias"]
            losses["cross-to-dual"].append(distill_row(c, z, s))
            losses["dual-to-cross"].append(distill_row(c, s, z))
    means = {k: torch.stack(v).mean() for k, v in losses.items()}
    if c["direction"] == "both":
        return (means["cross-to-dual"] + means["dual-to-cross"]) / 2
    return means[c["direction"]]


def masked_tokens(logits, targets, weights):
    at = weights.bool()
    return F.cross_entropy(logits[at], targets[at])
