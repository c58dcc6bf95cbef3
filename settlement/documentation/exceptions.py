"""docs/exceptions.md: every code of the catalogue, what it means and what to do."""

from __future__ import annotations

from settlement.rules.exceptions import Catalogue

_INTRO = """# 异常代码 · Exception codes

由 `python -m settlement.documentation` 根据 `settlement/parameters/exceptions.yaml` 生成，请勿手工修改。

级别：**阻断** 该步骤不能继续；**复核** 由责任部门决定；**提醒** 知悉即可；**期限** 到期当日为提醒，逾期为复核。
期限天数为工作日，自事项发生日起算，没有发生日的自当月月末起算；遇工作日历未覆盖的年度不作推算。
状态：new 本月首次出现；open 以前月份已出现仍未解决；resolved 上次公布时未解决、本月已不再出现；approved 有效的“批准”。

| 代码 Code | 级别 | 名称 | English | 责任部门 | 工作日 | 规则 | 怎么办 | 例 |
|---|---|---|---|---|---|---|---|---|
"""
_LEVELS = {"block": "阻断", "review": "复核", "warn": "提醒", "deadline": "期限"}


def exceptions_page(catalogue: Catalogue) -> str:
    """The whole page, one row a code, in the catalogue's order."""
    rows = [
        f"| `{code.code}` | {_LEVELS[code.severity]} | {code.zh} | {code.en} | {code.owner} | {code.due_days} "
        f"| {', '.join(code.rule_ids.split())} | {_cell(code.what_to_do)} | {_cell(code.example)} |"
        for code in catalogue.codes.values()
    ]
    return _INTRO + "\n".join(rows) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
