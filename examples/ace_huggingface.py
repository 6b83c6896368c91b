"""ACE on a Hugging Face fine-tuning: sentiment with DistilBERT under CheckList's failure rate.

Source: [D] Sec. 4.3.3: DistilBERT on SST-2, the constraint an average failure rate over invariance tests.
Differs from the source: a tiny DistilBERT with random weights, a tokenizer made here and a few sentences of
our own, so that it runs offline in a minute. For the real thing, put `from_pretrained(...)` and SST-2 into
`prepare` and `build`, and CheckList's suite into `INVARIANCES`.

python examples/ace_huggingface.py
"""

import random
from pathlib import Path
from typing import Any

import torch
from ray import tune
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import DistilBertConfig, DistilBertForSequenceClassification, PreTrainedTokenizerFast

from search.ace import AceScheduler, ConstrainedTrainable, no_feasible_message

SUBJECTS = ["the film", "this story", "the acting", "her new play", "the last scene", "that song"]
GOOD = ["wonderful", "moving", "clever", "brilliant", "charming"]
BAD = ["dull", "awful", "tedious", "clumsy", "lifeless"]
FILLERS = ["", "really ", "quite ", "so "]
# One test each: what is done to a sentence must not change the answer.
INVARIANCES = {
    "punctuation": lambda text: text + " .",
    "a name before it": lambda text: "maria said " + text,
    "a typing mistake": lambda text: text.replace("the ", "teh ").replace("this ", "thsi "),
    "a neutral clause": lambda text: text + " in the evening",
}
STEPS, BATCH = 5, 16  # one iteration


def sentences(num: int, seed: int) -> tuple[list[str], list[int]]:
    """Draw sentences and whether they praise."""
    rng = random.Random(seed)
    labels = [rng.randrange(2) for _ in range(num)]
    texts = [
        f"{rng.choice(SUBJECTS)} is {rng.choice(FILLERS)}{rng.choice(GOOD if label else BAD)}"
        for label in labels
    ]
    return texts, labels


def make_tokenizer() -> PreTrainedTokenizerFast:
    """Make a tokenizer of whole words; what it has not seen is unknown to it."""
    words = sorted({word for text in sentences(400, 0)[0] for word in text.split()} | {"."})
    vocabulary = {word: number for number, word in enumerate(["[PAD]", "[UNK]", *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]")


class Sentiment(ConstrainedTrainable):
    def prepare(self) -> None:  # once a process
        torch.set_num_threads(1)
        self.tokenizer = make_tokenizer()
        self.train_set, self.valid_set = sentences(200, 1), sentences(80, 2)

    def build(self, config: dict[str, Any]) -> None:  # once a trial
        torch.manual_seed(0)
        size = DistilBertConfig(
            vocab_size=len(self.tokenizer), dim=16, hidden_dim=32, n_layers=1, n_heads=2,
            dropout=config["dropout"], max_position_embeddings=16,
        )  # fmt: skip
        self.model = DistilBertForSequenceClassification(size)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=config["lr"])
        self.step_number = 0

    def train_one_iteration(self) -> None:
        self.model.train()
        texts, labels = self.train_set
        for _ in range(STEPS):
            chosen = random.Random(self.step_number).sample(range(len(texts)), BATCH)
            self.step_number += 1
            target = torch.tensor([labels[i] for i in chosen])
            loss = self.model(**self._encoded([texts[i] for i in chosen]), labels=target).loss
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()

    def objective(self) -> float:
        texts, labels = self.valid_set
        return float((self._answers(texts) == torch.tensor(labels)).float().mean())

    def constraint(self) -> float:  # the average failure rate over all invariance tests
        texts, _ = self.valid_set
        before = self._answers(texts)
        failed = [
            self._answers([change(text) for text in texts]) != before for change in INVARIANCES.values()
        ]
        return float(torch.stack(failed).float().mean())

    def write_model(self, folder: Path) -> None:
        state = (self.model.state_dict(), self.optimizer.state_dict(), self.step_number)
        torch.save(state, folder / "model.pt")

    def read_model(self, folder: Path) -> None:
        weights, optimizer, self.step_number = torch.load(folder / "model.pt")
        self.model.load_state_dict(weights)
        self.optimizer.load_state_dict(optimizer)

    def _encoded(self, texts: list[str]) -> dict[str, torch.Tensor]:
        encoded = self.tokenizer(texts, padding=True, return_tensors="pt")
        return {name: encoded[name] for name in ("input_ids", "attention_mask")}

    def _answers(self, texts: list[str]) -> torch.Tensor:
        self.model.eval()
        with torch.no_grad():
            return self.model(**self._encoded(texts)).logits.argmax(dim=1)


if __name__ == "__main__":
    ace = AceScheduler("accuracy", "max", constraints={"failure_rate": 0.1}, max_iterations=6)
    tune.Tuner(
        ace.trainable(Sentiment),
        param_space={"lr": tune.loguniform(1e-4, 3e-2), "dropout": tune.uniform(0.0, 0.4)},
        tune_config=tune.TuneConfig(scheduler=ace, num_samples=8, reuse_actors=True),
        run_config=tune.RunConfig(verbose=0, callbacks=[ace.callback()]),
    ).fit()
    best = ace.state.best
    print(
        no_feasible_message(ace.state)
        or f"accuracy {ace.options.objective(best.loss):.3f}, failure rate {best.g[0]:.3f}"
    )
