// What the library of the tests holds beside the bundled sample: papers with commentary in the languages of the readers, a day of a
// digest, and tags that lead to several papers. Each test names the papers that it looks for by these constants.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ROOT } from "./service.mjs";

/** Eighteen papers with notes in Korean, Chinese and Japanese: what README's first steps read in. */
export const SAMPLE = join(ROOT, "scripts/sample");

export const LORA = "LoRA: Low-Rank Adaptation of Large Language Models";
export const COLBERT = "ColBERT: Efficient and Effective Passage Search via Contextualized Late Interaction over BERT";
export const E5 = "Multilingual E5 Text Embeddings: A Technical Report";
export const DIFFUSION = "Denoising Diffusion Probabilistic Models";
export const PPO = "Proximal Policy Optimization Algorithms";
export const DPO = "Direct Preference Optimization: Your Language Model is Secretly a Reward Model";

const PAPERS = [
  {
    title: PPO, arxiv_id: "1707.06347", date: "2017-07-20", tags: ["rlhf", "reinforcement-learning"],
    authors: ["John Schulman", "Filip Wolski", "Prafulla Dhariwal", "Alec Radford", "Oleg Klimov"],
    abstract: "A policy gradient method that alternates between sampling from the environment and optimising a clipped surrogate objective, so that several passes over each batch are safe. It is as reliable as trust region methods and far simpler.",
    commentary: ["정책이 한 번에 너무 멀리 가지 않도록 비율을 잘라 버리는 방법입니다. 사람의 피드백으로 언어 모델을 조율할 때 (https://arxiv.org/abs/2203.02155) 오랫동안 기본이었죠."],
    mentions: ["arxiv:2203.02155"],
  },
  {
    title: "Chain-of-Thought Prompting Elicits Reasoning in Large Language Models", arxiv_id: "2201.11903", date: "2022-01-28", tags: ["reasoning", "prompting"],
    authors: ["Jason Wei", "Xuezhi Wang"],
    abstract: "A few worked examples that spell out intermediate steps let a large model solve arithmetic, common sense and symbolic problems that it fails when asked for the answer alone.",
    commentary: ["在提示里给出几个写明中间步骤的例子，模型就会一步一步地推理，数学题的正确率因此大幅提高。模型小的时候这个方法几乎没有作用。"],
  },
  {
    title: "Distilling the Knowledge in a Neural Network", arxiv_id: "1503.02531", date: "2015-03-09", tags: ["distillation", "efficiency"],
    authors: ["Geoffrey Hinton", "Oriol Vinyals", "Jeff Dean"],
    abstract: "A small network learns from the softened outputs of a large one or of an ensemble, and keeps most of its accuracy at a fraction of the cost.",
    commentary: [{ language: "ja", text: "大きなモデルの出力を柔らかくして、小さなモデルに教える方法です。正解ラベルだけでは伝わらない、クラス同士の似かたが伝わります。" }],
  },
  {
    title: "Deep Residual Learning for Image Recognition", arxiv_id: "1512.03385", date: "2015-12-10", tags: ["vision"],
    authors: ["Kaiming He", "Xiangyu Zhang", "Shaoqing Ren", "Jian Sun"],
    abstract: "Layers learn what to add to their input instead of a whole new function. Networks of more than a hundred layers become trainable, and deeper is better again.",
    commentary: ["每一层只学习与输入的差，梯度可以从捷径直接传回去，所以一百多层的网络也能训练。"],
  },
  {
    title: "Segment Anything", arxiv_id: "2304.02643", date: "2023-04-05", tags: ["vision", "segmentation"],
    authors: ["Alexander Kirillov", "Eric Mintun"],
    abstract: "A promptable model cuts any object out of an image from a click, a box or a text, after training on a billion masks that it helped to draw itself.",
    commentary: ["클릭 한 번이나 상자 하나로 그림 속 물체를 오려 내는 모델입니다. 모델이 그린 마스크를 사람이 고치고 다시 학습하는 순환으로 데이터를 모았습니다."],
  },
  {
    title: "Robust Speech Recognition via Large-Scale Weak Supervision", arxiv_id: "2212.04356", date: "2022-12-06", tags: ["speech", "multilingual"],
    authors: ["Alec Radford", "Jong Wook Kim"],
    abstract: "A sequence model trained on 680,000 hours of subtitled audio from the web transcribes and translates speech in many languages without tuning on any benchmark.",
    commentary: [{ language: "ja", text: "ウェブの字幕付き音声を大量に集めて学習した音声認識です。雑音や訛りに強く、多くの言語を書き起こせます。" }],
  },
  {
    title: "Adam: A Method for Stochastic Optimization", doi: "10.48550/arXiv.1412.6980", date: "2014-12-22", tags: ["optimisation"],
    authors: ["Diederik P. Kingma", "Jimmy Ba"],
    abstract: "A first-order optimiser that adapts the step of every parameter from running estimates of the mean and the variance of its gradient.",
  },
];

const DIGEST = `2026년 5월 1일
Segment Anything
(Alexander Kirillov, Eric Mintun)
한 해가 지나 다시 읽었습니다. 텍스트로 물체를 고르는 부분은 CLIP (https://arxiv.org/abs/2103.00020) 에 기대고 있습니다.
#vision #segmentation
Chain-of-Thought Prompting Elicits Reasoning in Large Language Models
(Jason Wei, Xuezhi Wang)
중간 단계를 적어 주는 것만으로 추론이 좋아진다는 이야기. 작은 모델에서는 오히려 나빠집니다.
Writing out the steps is enough to improve reasoning, except in small models, where it does harm.
#reasoning #prompting
`;

/** Writes the files into `folder`, and says which are to be read in. */
export async function corpus(folder) {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "papers.jsonl"), PAPERS.map((paper) => JSON.stringify(paper)).join("\n"));
  await writeFile(join(folder, "digest-2026-05-01.txt"), DIGEST);
  return [SAMPLE, folder];
}

/** The number of papers above. */
export const SIZE = 25;
