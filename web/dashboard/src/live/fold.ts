// What a stream has told so far, as plain maps: the keeper's memory, from which a further tab gets its snapshot.
import type { LiveChanges } from './contract';
import type { Deployment, Node, Project, Worker } from '../api/types';

export class Fold {
  readonly nodes = new Map<string, Node>();
  readonly workers = new Map<string, Worker>();
  readonly deployments = new Map<string, Deployment>();
  readonly projects = new Map<string, Project>();
  #position: string | null = null;
  #complete = false;

  apply(changes: LiveChanges): void {
    if (changes.reset) {
      this.#maps().forEach((map) => map.clear());
      this.#complete = false;
    }
    changes.nodes.forEach((node) => this.nodes.set(node.id, node));
    changes.workers.forEach((worker) => this.workers.set(worker.id, worker));
    changes.deployments.forEach((deployment) => this.deployments.set(deployment.id, deployment));
    changes.projects.forEach((project) => this.projects.set(project.id, project));
    for (const id of changes.gone) this.#maps().forEach((map) => map.delete(id));
    this.#position = changes.position;
    this.#complete ||= changes.complete;
  }

  /** Everything in one frame; none before anything came. */
  snapshot(): LiveChanges | null {
    if (this.#position === null) return null;
    return {
      reset: true,
      complete: this.#complete,
      position: this.#position,
      events: [],
      nodes: [...this.nodes.values()],
      workers: [...this.workers.values()],
      deployments: [...this.deployments.values()],
      projects: [...this.projects.values()],
      gone: [],
    };
  }

  #maps(): Map<string, unknown>[] {
    return [this.nodes, this.workers, this.deployments, this.projects];
  }
}
