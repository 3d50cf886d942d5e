/* agents.c - texts under numbers, counted. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/engineio/agents.h"

#include <assert.h>
#include <string.h>

#include "libshared/base/arena.h"
#include "libshared/base/plain_text.h"
#include "libshared/base/table.h"

#define HEADER_BYTES_MAX 4096 /* of a longer one nothing is read */

struct agent {
    UT_hash_handle hh;
    uint32_t sessions;
    uint16_t number;
    size_t len;
    char text[];
};

struct agents {
    struct agent *by_text;
    struct agent *at[AGENTS_MAX + 1]; /* by number; NULL: it is free */
};

struct agents *agents_create(void)
{
    return mem_zero(sizeof(struct agents));
}

void agents_destroy(struct agents **agents)
{
    if (*agents == NULL) return;
    assert((*agents)->by_text == NULL);
    mem_free(*agents);
    *agents = NULL;
}

static uint16_t free_number(const struct agents *agents)
{
    for (uint16_t n = 1; n <= AGENTS_MAX; n++)
        if (agents->at[n] == NULL) return n;
    return 0;
}

static struct agent *add_agent(struct agents *agents, struct str text)
{
    uint16_t number = HASH_COUNT(agents->by_text) < AGENTS_MAX ? free_number(agents) : 0;

    if (number == 0) return NULL;
    struct agent *agent = mem_zero(sizeof *agent + text.len);
    agent->number = number;
    agent->len = text.len;
    memcpy(agent->text, text.at, text.len);
    HASH_ADD_KEYPTR(hh, agents->by_text, agent->text, agent->len, agent);
    return agents->at[number] = agent;
}

uint16_t agents_take(struct agents *agents, struct str header)
{
    char plain[HEADER_BYTES_MAX];
    struct agent *agent;

    if (header.len > sizeof plain || !utf8_is_valid(header.at, header.len)) return 0;
    struct str text = { plain, text_plain_part(header, AGENT_CHARS_MAX, plain) };
    if (text.len == 0) return 0;
    HASH_FIND(hh, agents->by_text, text.at, text.len, agent);
    if (agent == NULL && (agent = add_agent(agents, text)) == NULL) return 0;
    agent->sessions++;
    return agent->number;
}

void agents_drop(struct agents *agents, uint16_t number)
{
    struct agent *agent = agents->at[number];

    if (agent == NULL || --agent->sessions > 0) return;
    agents->at[number] = NULL;
    HASH_DEL(agents->by_text, agent);
    mem_free(agent);
}

struct str agents_text(const struct agents *agents, uint16_t number)
{
    const struct agent *agent = agents->at[number];

    return agent != NULL ? (struct str){ agent->text, agent->len } : STR_NONE;
}
