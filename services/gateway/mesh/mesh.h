/*
 * mesh.h - sessions of other gateways: whatever of theirs lands here is carried to them, and back.
 *
 *      client --GET, POST--> this gateway --mesh.ask------> the owner     the first four characters of a sid name it
 *             <------------               <--mesh.answered--
 *      client <==WebSocket=> this gateway <==mesh.message, mesh.frames==> the owner
 *
 * So a balancer may send any request anywhere.  One pipe from a gateway to another carries all of it, in order; a probe is
 * answered where it lands, ahead of any answer to a later request.  Chat tells which gateway owns which ids (gateway.announce).
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/rpc/rpc_client.h"
#include "services/gateway/engineio/eio.h"

struct mesh;
struct service_pipes;

#define MESH_PATHS 8
/* Engine.IO paths, the same number at every gateway. */
enum mesh_path_number { MESH_PATH_SOCKETIO, MESH_PATH_MSGPACK, MESH_PATH_ENGINEIO };

struct mesh_config {
    const char *endpoint; /* where the other gateways reach this one */
    const char *bind;     /* what to bind for it, separated by commas */
    const char *key_dir;
    int64_t pending_max; /* a fourth of the records to one gateway that may be unanswered */
    int64_t max_payload; /* bytes of one body; over what a record carries it is lowered */
};

/* Binds; ends the process if it can't.  The texts outlive the mesh. */
struct mesh *mesh_create(struct ev_loop *loop, const struct mesh_config *config);
/* Before the Engine.IO paths and the listener: what is in the air is dropped.  NULL is fine here and below. */
void mesh_destroy(struct mesh **mesh);
/* Sessions of this path may be asked for, and it hands on what is not its own. */
void mesh_serve(struct mesh *mesh, enum mesh_path_number path, struct eio *eio);
/* The directory is there, or there again. */
void mesh_directory_up(struct mesh *mesh, const struct service_pipes *directory);
void mesh_gateways_changed(struct mesh *mesh, struct str body); /* chat's event */
void mesh_leave(struct mesh *mesh);                             /* the other gateways are told */
/* This gateway leaves: clients of other gateways' sessions are sent away, each at its moment.  See drain.c. */
void mesh_drain(struct mesh *mesh, int64_t elapsed_ms, int64_t spread_ms);
size_t mesh_in_flight(const struct mesh *mesh);
