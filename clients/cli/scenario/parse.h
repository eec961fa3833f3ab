/* Inside the loader: the parts of a scenario, one function each. */
#ifndef SCENARIO_PARSE_H
#define SCENARIO_PARSE_H

#include "reader.h"

struct parse {
    struct reader reader;
    struct scenario *scenario;
    bool part;                     /* of a run that has its plan and its first day already */
    const char *hazard, *reporter; /* defaults; NULL: none */
    int64_t previous_us;           /* of the step before, in order of the file */
    unsigned report_count;         /* numbers reports that have no id */
    size_t capacity;               /* of scenario->steps */
};

/* A new step at at_us; NULL (with a finding) beyond SCENARIO_STEPS_MAX. */
struct scenario_step *parse_add_step(struct parse *parse, const yaml_node_t *node, int64_t at_us);

/* A report from its mapping; what first (may be NULL) says goes before what base says. */
void parse_report(struct parse *parse, yaml_node_t *first, yaml_node_t *base,
                  struct scenario_step *step);
void parse_bulletin(struct parse *parse, yaml_node_t *node, struct scenario_step *step);
void parse_decision(struct parse *parse, yaml_node_t *node, struct scenario_step *step);
void parse_reply(struct parse *parse, yaml_node_t *node, struct scenario_step *step);
void parse_supply(struct parse *parse, yaml_node_t *node, struct scenario_step *step);
void parse_adopt(struct parse *parse, yaml_node_t *node, struct scenario_step *step);
void parse_raw(struct parse *parse, yaml_node_t *node, struct scenario_step *step);
/* One report step per row of the table, the first at at_us. */
void parse_series(struct parse *parse, yaml_node_t *node, int64_t at_us);
/* The expectations of a step. */
void parse_expect(struct parse *parse, yaml_node_t *node, struct scenario_step *step);

/* A path beside the scenario's own file. */
const char *parse_beside(struct parse *parse, const char *path);
const char *parse_city(struct parse *parse); /* the city of the scenario's area */

#endif
