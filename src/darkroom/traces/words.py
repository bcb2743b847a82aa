"""The words of a waterfall, in every language that it is told in. A word that is missing is told as it is."""

from typing import Literal

Language = Literal["en", "zh"]

_EN = {
    # stages
    "in_progress": "in progress",
    "left": "caller left",
    # headings
    "stage": "stage",
    "at": "at",
    "gap": "gap",
    "longest": "longest",
    "attempt": "attempt {number} · {channel}",
    "attempt_ended": "attempt {number} {outcome}",
    "asked": "asked",
    "delivered_line": "delivered",
    "differs": "differs",
    "differs_text": "{name}: asked {asked}, delivered {delivered}",
    "lost": "lost",
    "repairs": "repairs",
    "usage": "usage",
    "traffic": "traffic",
    "traffic_text": "{bytes_in} in, {bytes_out} out",
    "upstream": "upstream",
    "upstream_text": "{channel}: request {id}",
    "client": "client",
    "prompt": "prompt",
    "result": "outcome",
    "nothing": "nothing",
    # the request
    "account": "account {account}",
    "key": "key {key_id}",
    "streamed": "streamed",
    "plain": "plain",
    "sandbox": "sandbox",
    "partials": "partial images: {count}",
    "took": "{outcome} in {time}",
    "no_status": "no answer",
    # outcomes
    "outcome_completed": "Completed: everything was delivered.",
    "outcome_incomplete": "Incomplete: the upstream ended the answer early, and said so.",
    "outcome_failed": "Failed: {error}",
    "outcome_refused": "Refused: {error}",
    "outcome_left": "The caller left before everything was delivered.",
    "outcome_left_error": "The caller left before everything was delivered. {error}",
    "no_reason": "no reason was given",
}

_ZH = {
    "accepted": "已接收",
    "queued": "排队",
    "routed": "已选渠道",
    "connected": "已连接",
    "sent": "已发送",
    "headers": "收到响应头",
    "created": "已创建",
    "in_progress": "处理中",
    "generating": "生成中",
    "partial": "预览图",
    "image": "成图",
    "completed": "已完成",
    "delivered": "已送达",
    "settled": "已结算",
    "left": "客户已离开",
    "failed": "失败",
    "refused": "已拒绝",
    "incomplete": "未完成",
    "unknown": "未知",
    "stage": "阶段",
    "at": "时刻",
    "gap": "间隔",
    "longest": "最长",
    "attempt": "第 {number} 次尝试 · {channel}",
    "attempt_ended": "第 {number} 次尝试{outcome}",
    "asked": "请求",
    "delivered_line": "交付",
    "differs": "差异",
    "differs_text": "{name}：请求 {asked}，交付 {delivered}",
    "lost": "未传",
    "repairs": "修正",
    "usage": "用量",
    "traffic": "流量",
    "traffic_text": "收 {bytes_in}，发 {bytes_out}",
    "upstream": "上游",
    "upstream_text": "{channel}：请求号 {id}",
    "client": "客户端",
    "prompt": "提示词",
    "result": "结果",
    "nothing": "无",
    "account": "账户 {account}",
    "key": "密钥 {key_id}",
    "streamed": "流式",
    "plain": "非流式",
    "sandbox": "沙盒",
    "partials": "{count} 张预览图",
    "took": "{outcome}，用时 {time}",
    "no_status": "未应答",
    "outcome_completed": "已完成：全部内容已送达。",
    "outcome_incomplete": "未完成：上游提前结束了应答，并已说明。",
    "outcome_failed": "失败：{error}",
    "outcome_refused": "已拒绝：{error}",
    "outcome_left": "客户在全部送达之前离开。",
    "outcome_left_error": "客户在全部送达之前离开。{error}",
    "no_reason": "未给出原因",
}

WORDS: dict[Language, dict[str, str]] = {"en": _EN, "zh": _ZH}


def say(lang: Language, word: str, **values: object) -> str:
    """`word` in the language, its places filled with `values`."""
    known = WORDS[lang].get(word)
    return word if known is None else known.format(**values)
