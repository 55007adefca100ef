//! What is set and seen from outside, beside the API: how things go wrong, and what is there.

use super::*;

impl Google {
    /// How long operations take, and whether they end.
    pub fn pace(&self, change: impl FnOnce(&mut Pace)) {
        change(&mut self.rules.lock().pace);
        self.tick();
    }

    /// How many instances the project may have.
    pub fn limit_instances(&self, most: usize) {
        self.rules.lock().instances_max = Some(most);
    }

    /// The next creation is accepted, and its operation then fails so.
    pub fn fail_later(&self, failure: LateFailure) {
        self.rules.lock().fail_next = Some(failure);
    }

    /// This zone does not answer lists over all zones.
    pub fn cut_off(&self, zone: &str) {
        self.rules.lock().unreachable = Some(zone.to_owned());
    }

    /// Tokens that were given are not good any more, and none is taken while `refuses`.
    pub fn revoke_tokens(&self, refuses: bool) {
        self.state.lock().tokens = token::Issued::default();
        self.rules.lock().refuses_tokens = refuses;
    }

    /// Tokens are taken again; those that were revoked stay so.
    pub fn accept_tokens(&self) {
        self.rules.lock().refuses_tokens = false;
    }

    /// How many tokens were given since they were last revoked.
    #[must_use]
    pub fn tokens_given(&self) -> usize {
        self.state.lock().tokens.given()
    }

    /// The tokens that are good.
    #[must_use]
    pub fn access_tokens(&self) -> Vec<String> {
        self.state.lock().tokens.good()
    }

    /// How many instances there are.
    #[must_use]
    pub fn machines(&self) -> usize {
        self.state.lock().instances.len()
    }

    /// How many disks there are, used or not.
    #[must_use]
    pub fn disks(&self) -> usize {
        self.state.lock().disks.len()
    }

    /// How many instances were ever made.
    #[must_use]
    pub fn ever_made(&self) -> usize {
        self.state.lock().made
    }

    /// An instance that somebody else made by hand.
    pub fn plant(&self, zone: &str, name: &str) {
        let mut state = self.state.lock();
        let id = state.number();
        state.made += 1;
        state.instances.insert((zone.to_owned(), name.to_owned()), Instance::by_hand(id, zone, name));
    }

    /// Somebody takes a machine's disk out of its fate: it stays when the machine goes.
    pub fn keep_disks(&self) {
        self.state.lock().disks.values_mut().for_each(|disk| disk.auto_delete = false);
    }
}
