/*
 * Charts and lanes as HTML: no script, no image. A span's height says its level as its colour does,
 * and its label in words; a lane's line says whose it is on a narrow screen, where both stand below
 * each other. What is the same in both lanes for long is folded up.
 */
#include <stdio.h>
#include <string.h>

#include "buffer.h"
#include "parts.h"
#include "timefmt.h"

enum { FOLD_MIN = 3 }; /* so many the same in a row are folded up */

const char HTML_LANES_STYLE[] =
    ".chart{margin:1rem 0;display:grid;grid-template-columns:max-content 1fr;gap:.25rem .75rem;"
    "align-items:end;font-size:.85rem}\n"
    ".chart .name{white-space:nowrap}\n"
    ".track,.axis{position:relative;height:2.6rem;border-bottom:1px solid #8888}\n"
    ".axis{height:1.4rem;border:0;color:color-mix(in srgb,CanvasText 72%,Canvas)}\n"
    ".axis span{position:absolute;white-space:nowrap;font-variant-numeric:tabular-nums;"
    "border-left:1px solid #8888;padding-left:.2rem}\n"
    ".axis span:last-child{transform:translateX(-100%);border-left:0;border-right:1px solid "
    "#8888;padding:0 .2rem 0 0}\n"
    ".span{position:absolute;bottom:0;box-sizing:border-box;min-width:3px;overflow:hidden;"
    "white-space:nowrap;text-align:left;padding-left:.25rem;font-weight:600;line-height:1.2;color:#"
    "fff;"
    "background:#757575;border-right:1px solid #fff8}\n"
    ".span{container-type:inline-size}@container(max-width:1.4rem){.span b{display:none}}\n"
    ".h1{height:38%}.h2{height:58%}.h3{height:79%}.h4{height:100%}\n"
    ".span.red{background:#b71c1c}.span.orange{background:#bf4e00}"
    ".span.yellow{background:#fbc02d;color:#000}.span.blue{background:#1565c0}\n"
    ".lanes{font-size:.9rem}\n"
    ".lane{display:grid;grid-template-columns:1fr 8.5rem 1fr;gap:.5rem;margin:.2rem 0}\n"
    ".lane time,.lane .when{text-align:center;color:color-mix(in srgb,CanvasText 72%,Canvas);"
    "font-variant-numeric:tabular-nums;white-space:nowrap}\n"
    ".lane.head{font-weight:600;position:sticky;top:0;background:Canvas;padding:.3rem 0;"
    "border-bottom:2px solid #8888}\n"
    ".card{border:1px solid #8886;border-left:.3rem solid #8888;border-radius:.25rem;"
    "padding:.2rem .5rem}\n"
    ".card.red{border-left-color:#c62828}.card.orange{border-left-color:#ef6c00}"
    ".card.yellow{border-left-color:#f9a825}.card.blue{border-left-color:#1565c0}"
    ".card.green{border-left-color:#2e7d32}\n"
    ".card.now{border-style:dashed;border-left-style:solid;grid-column:3}\n"
    ".card.was{grid-column:1;grid-row:1}.lane .when{grid-column:2;grid-row:1}"
    ".card.now{grid-row:1}\n"
    ".card.both{grid-column:1/-1;border-color:transparent;opacity:.85;padding-left:0}\n"
    ".card.both .when{display:inline-block;margin-right:.75rem}\n"
    "details{margin:.2rem 0}summary{cursor:pointer;color:color-mix(in "
    "srgb,CanvasText 72%,Canvas);text-align:center}\n"
    "@media(max-width:40rem){.lane{grid-template-columns:1fr}.lane.head{display:none}"
    ".lane .when{text-align:left;grid-column:1}.card.was,.card.now{grid-column:1;grid-row:auto}"
    ".card[data-lane]::before{content:attr(data-lane) \": \";font-weight:600}"
    ".chart{grid-template-columns:1fr;gap:.1rem}.chart .name{margin-top:.4rem}"
    ".axis span:nth-child(even){display:none}}\n"
    "@media print{details>*{display:block}.lane{break-inside:avoid}.span{"
    "print-color-adjust:exact;-webkit-print-color-adjust:exact}}\n";

/* ---- charts ---- */

static double position(const struct paper_part *part, int64_t time_us)
{
    double length = (double)(part->until_us - part->from_us);
    double at = length > 0 ? (double)(time_us - part->from_us) / length * 100 : 0;
    return at < 0 ? 0 : at > 100 ? 100 : at;
}

static void put_span(struct ld_buffer *buffer, const struct paper_part *part,
                     const struct paper_span *span)
{
    double from = position(part, span->from_us);
    double until = span->until_us != 0 ? position(part, span->until_us) : 100;
    ld_buffer_format(buffer,
                     "<div class=\"span h%d %s\" style=\"left:%.2f%%;width:%.2f%%\" title=\"",
                     span->height, html_class(span->style), from, until - from);
    html_escaped(buffer, span->hint);
    ld_buffer_text(buffer, "\"><b>"); /* cut off, III would read as I: whole or not at all */
    html_escaped(buffer, span->label);
    ld_buffer_text(buffer, "</b></div>");
}

/* Five moments of local time, evenly apart: dates, with the hour where all is within three days. */
static void put_axis(struct ld_buffer *buffer, const struct paper_part *part)
{
    enum { MARKS = 5 };
    bool hours = part->until_us - part->from_us < 3 * LD_US_DAY;
    ld_buffer_text(buffer, "<div></div><div class=\"axis\">");
    for (int i = 0; i < MARKS; i++) {
        char text[LD_TIME_TEXT_SIZE];
        int64_t time_us = part->from_us + (part->until_us - part->from_us) / (MARKS - 1) * i;
        ld_time_format(text, time_us, LD_CHINA_OFFSET_MINUTES);
        ld_buffer_format(buffer, "<span style=\"left:%d%%\">%.5s%s%.*s</span>",
                         100 / (MARKS - 1) * i, text + 5, hours ? " " : "", hours ? 5 : 0,
                         text + 11);
    }
    ld_buffer_text(buffer, "</div>");
}

void html_chart(struct ld_buffer *buffer, const struct paper_part *part)
{
    ld_buffer_text(buffer, "<div class=\"chart\">\n");
    for (size_t i = 0; i < part->chart_count; i++) {
        const struct paper_chart_row *row = &part->chart[i];
        html_element(buffer, "div", "name", row->name);
        ld_buffer_text(buffer, "<div class=\"track\">");
        for (size_t k = 0; k < row->count; k++)
            put_span(buffer, part, &row->spans[k]);
        ld_buffer_text(buffer, "</div>\n");
    }
    put_axis(buffer, part);
    ld_buffer_text(buffer, "</div>\n");
}

/* ---- lanes ---- */

static void put_card(struct ld_buffer *buffer, const char *side, enum cli_style style,
                     const char *lane, const char *text)
{
    if (text[0] == '\0')
        return;
    ld_buffer_format(buffer, "<div class=\"card %s %s\" data-lane=\"", side, html_class(style));
    html_escaped(buffer, lane);
    ld_buffer_text(buffer, "\">");
    html_escaped(buffer, text);
    ld_buffer_text(buffer, "</div>");
}

static void put_same(struct ld_buffer *buffer, const struct paper_table_row *row)
{
    ld_buffer_format(buffer, "<div class=\"lane\"><div class=\"card both %s\">",
                     html_class(row->style));
    html_element(buffer, "span", "when", row->cells[LANE_TIME]);
    html_escaped(buffer, row->cells[LANE_LEFT]);
    ld_buffer_text(buffer, "</div></div>\n");
}

static void put_lane(struct ld_buffer *buffer, const struct paper_part *part,
                     const struct paper_table_row *row)
{
    if (lane_is_same(row)) {
        put_same(buffer, row);
        return;
    }
    ld_buffer_text(buffer, "<div class=\"lane\">");
    html_element(buffer, "span", "when", row->cells[LANE_TIME]);
    put_card(buffer, "was", row->style, part->names[LANE_LEFT], row->cells[LANE_LEFT]);
    put_card(buffer, "now", row->right_style, part->names[LANE_RIGHT], row->cells[LANE_RIGHT]);
    ld_buffer_text(buffer, "</div>\n");
}

static size_t count_same(const struct paper_part *part, size_t from)
{
    size_t count = 0;
    while (from + count < part->row_count && lane_is_same(&part->rows[from + count]))
        count++;
    return count;
}

static void put_folded(struct ld_buffer *buffer, const struct paper_part *part, size_t from,
                       size_t count)
{
    ld_buffer_format(buffer, "<details><summary>%zu ", count);
    html_escaped(buffer, part->text);
    ld_buffer_text(buffer, " · ");
    html_escaped(buffer, part->rows[from].cells[LANE_TIME]);
    ld_buffer_text(buffer, " – ");
    html_escaped(buffer, part->rows[from + count - 1].cells[LANE_TIME]);
    ld_buffer_text(buffer, "</summary>\n");
    for (size_t i = 0; i < count; i++)
        put_same(buffer, &part->rows[from + i]);
    ld_buffer_text(buffer, "</details>\n");
}

void html_lanes(struct ld_buffer *buffer, const struct paper_part *part)
{
    ld_buffer_text(buffer, "<div class=\"lanes\">\n<div class=\"lane head\">");
    html_element(buffer, "div", "", part->names[LANE_LEFT]);
    html_element(buffer, "div", "", "");
    html_element(buffer, "div", "", part->names[LANE_RIGHT]);
    ld_buffer_text(buffer, "</div>\n");
    for (size_t i = 0; i < part->row_count;) {
        size_t same = count_same(part, i);
        if (same >= FOLD_MIN)
            put_folded(buffer, part, i, same);
        else
            put_lane(buffer, part, &part->rows[i]);
        i += same >= FOLD_MIN ? same : 1;
    }
    ld_buffer_text(buffer, "</div>\n");
}
