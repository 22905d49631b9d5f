"""Labels that people changed, as a table and a CSV file."""

import pandas as pd
import streamlit as st

from app.components.kit.text import one_of
from app.services import labels
from app.services.labels import ChangedLabel


def changed_labels_table(changes: list[ChangedLabel]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            f"{one_of(len(changes), 'label')} changed, for the next retrain. Your own files are not touched."
        )
        st.download_button(
            "Download as CSV",
            data=lambda: labels.as_csv(changes),
            file_name="changed-labels.csv",
            mime="text/csv",
            key="download_changed_labels",
            icon=":material/download:",
            on_click="ignore",
        )
    st.dataframe(
        pd.DataFrame(
            {
                "File": [change.image.name for change in changes],
                "Split": [change.image.split for change in changes],
                "Imported as": [change.was for change in changes],
                "Now": [change.now for change in changes],
            }
        ),
        hide_index=True,
        key="changed_labels_table",
        alt="Images whose label was changed, with the label before and after",
    )
