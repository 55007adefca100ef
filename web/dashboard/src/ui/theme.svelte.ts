// Light, dark, or as the system says; kept in this browser.

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const KEY = 'spunto.theme';

function stored(): Theme {
  try {
    const text = localStorage.getItem(KEY);
    return THEMES.find((theme) => theme === text) ?? 'system';
  } catch {
    // Storage may be forbidden altogether.
    return 'system';
  }
}

class ThemeChoice {
  value = $state<Theme>(stored());

  set(theme: Theme): void {
    this.value = theme;
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // Then it holds until the tab is closed.
    }
    this.show();
  }

  /** The tokens follow `color-scheme`, see tokens.css. */
  show(): void {
    document.documentElement.style.colorScheme = this.value === 'system' ? '' : this.value;
  }
}

export const theme = new ThemeChoice();
